import { EnvelopeKind, type Sealer } from '@y-sealed/envelope'
import type { Clock } from '@y-sealed/key-client'
import type { Down, Entry, Limits, Refused, Up } from '@y-sealed/protocol'
import * as Y from 'yjs'
import { StagedRequest } from '../outbound/staged-request.ts'
import { SealedError } from '../sealed-error.ts'
import type { Epoch, KeyState } from './epoch.ts'
import type { KeyDesk } from './key-desk.ts'
import { createWireSealer } from './wire-sealer.ts'

export interface EpochOpenerPorts {
  readonly keyDesk: KeyDesk
  readonly clock: Clock
  readonly padding: boolean
  readonly initial: ((doc: Y.Doc) => void) | undefined
  limits(): Limits
  channel(): number
  nextRequest(): number
  send(messages: Up[]): void
  onWon(won: WonOpening): void
  /** The relay said no; with `stale-epoch` it shows whose record stands. */
  onRefused(refused: Refused): void
  /** The endpoint knows of an epoch that the relay does not show. */
  onContradicted(error: SealedError): void
  /** The option `initial` threw. */
  onSeedFailed(error: unknown): void
}

/** The relay took our record: the seed is in the log, and may now be in the document. */
export interface WonOpening {
  readonly epoch: Epoch
  readonly state: KeyState
  readonly sealer: Sealer
  readonly seed: Uint8Array | undefined
  readonly entries: readonly Entry[]
  /** Of the last entry. */
  readonly sequence: number
  readonly hash: Uint8Array
}

interface Attempt {
  readonly epoch: Epoch
  readonly state: KeyState
  readonly sealer: Sealer
  readonly seed: Uint8Array | undefined
  readonly staged: StagedRequest
}

/** Opens a document's first epoch: it counts only if the relay's compare-and-set on "none" takes the record (protocol §6). */
export class EpochOpener {
  readonly #ports: EpochOpenerPorts
  #attempt: Attempt | undefined
  #life = 0

  constructor(ports: EpochOpenerPorts) {
    this.#ports = ports
  }

  /** A record is on its way: who wins, the relay will say. */
  get isWaiting(): boolean {
    return this.#attempt !== undefined
  }

  /** Asks for a new key, seals the seed under it, sends both. `last`: the epoch that the relay has lost with all others; there is no seed then. */
  async open(last?: Epoch): Promise<void> {
    const life = ++this.#life
    const { keyDesk, clock, padding, initial, limits, nextRequest, onSeedFailed } = this.#ports
    const minted = await keyDesk.mint(last)
    if (minted === undefined) return
    if (minted instanceof SealedError) {
      if (life === this.#life) this.#ports.onContradicted(minted)
      return
    }
    const { epoch, state } = minted
    const sealer = await createWireSealer(epoch, padding, clock)
    let seed: Uint8Array | undefined
    try {
      seed = last === undefined && initial !== undefined ? seedUpdate(initial) : undefined
    } catch (error) {
      letGo(epoch, sealer)
      if (life === this.#life) onSeedFailed(error)
      return
    }
    const birth = { sequence: 0, hash: epoch.startHash }
    const envelopes = seed === undefined ? [] : await sealer.seal(EnvelopeKind.update, seed, { birth })
    if (life !== this.#life) {
      letGo(epoch, sealer)
      return
    }
    const staged = new StagedRequest(nextRequest(), envelopes, limits().maxFrameEnvelopeBytes)
    this.#attempt = { epoch, state, sealer, seed, staged }
    this.#sendNext(this.#attempt)
  }

  /** True if the message answered this opener. */
  takes(message: Down): boolean {
    const attempt = this.#attempt
    if (attempt === undefined || !('request' in message) || message.request !== attempt.staged.request) return false
    if (message.type === 'staged') this.#sendNext(attempt)
    else if (message.type === 'opened') {
      this.#attempt = undefined
      const { epoch, state, sealer, seed, staged } = attempt
      this.#ports.onWon({
        epoch,
        state,
        sealer,
        seed,
        entries: staged.entries,
        sequence: message.sequence,
        hash: message.hash,
      })
    } else if (message.type === 'refused') {
      this.abandon()
      this.#ports.onRefused(message)
    } else return false
    return true
  }

  abandon(): void {
    this.#life++
    if (this.#attempt !== undefined) letGo(this.#attempt.epoch, this.#attempt.sealer)
    this.#attempt = undefined
  }

  #sendNext({ staged, epoch }: Attempt): void {
    const frame = staged.next()
    if (frame === undefined) return
    const message = { channel: this.#ports.channel(), request: staged.request, envelopes: frame.envelopes }
    this.#ports.send([
      frame.isLast ? { type: 'open', ...message, record: epoch.record, sequence: 0 } : { type: 'stage', ...message },
    ])
  }
}

function letGo(epoch: Epoch, sealer: Sealer): void {
  sealer.retire()
  epoch.keys.forget()
}

/** What `initial` writes, made on a scratch document, so that a loser of the race has nothing to take back. */
function seedUpdate(initial: (doc: Y.Doc) => void): Uint8Array | undefined {
  const scratch = new Y.Doc()
  try {
    initial(scratch)
    return scratch.store.clients.size === 0 ? undefined : Y.encodeStateAsUpdate(scratch)
  } finally {
    scratch.destroy()
  }
}
