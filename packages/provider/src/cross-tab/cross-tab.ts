import { createSealer, EnvelopeError, EnvelopeKind, openEnvelope, type Sealer } from '@y-sealed/envelope'
import type { Clock } from '@y-sealed/key-client'
import { ProtocolError } from '@y-sealed/protocol'
import { parseHeader } from '@y-sealed/protocol/header'
import * as Y from 'yjs'
import type { Epoch } from '../epoch/epoch.ts'
import { scanUpdate } from '../guard/scan-update.ts'
import type { Problems } from '../problems.ts'

/** The log brings another tab's update within a round trip; after this its tab is taken to be gone, and this one sends it (protocol §7). */
const ADOPT_AFTER_MS = 5_000

/** First byte of a sealed cross-tab body. */
const UPDATE = 0
const STATE_VECTOR = 1

export interface CrossTabPorts {
  readonly doc: Y.Doc
  /** Of the BroadcastChannel: seen by other scripts of this origin, like the URL of the relay in the page's source. */
  readonly name: string
  readonly isDisabled: boolean
  readonly clock: Clock
  readonly problems: Problems
  /** Updates of another tab have waited long enough for the log. */
  onForeign(): void
  covers(update: Uint8Array): boolean
}

/**
 * Traffic between tabs of one browser, sealed like everything else; without BroadcastChannel there is none (never localStorage, where others'
 * libraries fall back to plaintext on disk). Also the Yjs origin of what other tabs wrote.
 */
export class CrossTab {
  readonly #ports: CrossTabPorts
  #channel: BroadcastChannel | undefined
  #epoch: Epoch | undefined
  #sealer: Sealer | undefined
  #foreign: Uint8Array[] = []
  #timer: unknown

  constructor(ports: CrossTabPorts) {
    this.#ports = ports
  }

  /** Opens the channel under an epoch's key; again and again is the same as once. */
  open(epoch: Epoch): void {
    if (this.#ports.isDisabled || this.#channel !== undefined || !hasTabs()) return
    const channel = new BroadcastChannel(this.#ports.name)
    this.#channel = channel
    this.#epoch = epoch
    channel.onmessage = (event: MessageEvent) => this.#run(this.#receive(event.data))
    this.#run(this.#greet(epoch, channel))
  }

  /** Another epoch: from here on under its key, if the channel is open at all. */
  reopen(epoch: Epoch): void {
    if (this.#channel === undefined) return
    this.close()
    this.open(epoch)
  }

  async #greet(epoch: Epoch, channel: BroadcastChannel): Promise<void> {
    const sealer = await createTabSealer(epoch)
    if (channel !== this.#channel) {
      sealer.retire()
      return
    }
    this.#sealer = sealer
    await this.#send(STATE_VECTOR, Y.encodeStateVector(this.#ports.doc))
  }

  /** A tab that cannot speak to the others still has the relay: told, unless the channel is closed and nobody waits. */
  #run(work: Promise<void>): void {
    const channel = this.#channel
    work.catch(() => {
      if (channel === this.#channel)
        this.#ports.problems.raise('internal', 'sealing for another tab failed', 'cross-tab')
    })
  }

  /** Tells nobody and hears nobody, until it is opened again. */
  close(): void {
    this.#channel?.close()
    this.#channel = undefined
    this.#sealer?.retire()
    this.#sealer = undefined
  }

  /** Tells the other tabs what this one's user wrote. */
  tell(update: Uint8Array): void {
    if (this.#sealer !== undefined) this.#run(this.#send(UPDATE, update))
  }

  /** An update of another tab was applied: if the log does not bring it soon, this tab sends it. */
  keep(update: Uint8Array): void {
    this.#foreign.push(update)
    this.#timer ??= this.#ports.clock.setTimeout(() => {
      this.#timer = undefined
      this.#ports.onForeign()
    }, ADOPT_AFTER_MS)
  }

  takeUncovered(): Uint8Array[] {
    if (this.#foreign.length === 0) return this.#foreign
    const foreign = this.#foreign.filter((update) => !this.#ports.covers(update))
    this.#foreign = []
    this.#ports.clock.clearTimeout(this.#timer)
    this.#timer = undefined
    return foreign
  }

  destroy(): void {
    this.close()
    this.#ports.clock.clearTimeout(this.#timer)
  }

  async #send(type: number, content: Uint8Array): Promise<void> {
    const channel = this.#channel
    if (this.#epoch !== undefined && this.#sealer?.isSpent()) this.#sealer = await createTabSealer(this.#epoch)
    const sealer = this.#sealer
    if (sealer === undefined || channel === undefined) return
    const body = new Uint8Array(1 + content.length)
    body[0] = type
    body.set(content, 1)
    const envelopes = await sealer.seal(EnvelopeKind.crossTab, body)
    // A channel that was closed meanwhile throws.
    if (channel !== this.#channel) return
    for (const envelope of envelopes) channel.postMessage(envelope)
  }

  async #receive(data: unknown): Promise<void> {
    const { doc, problems } = this.#ports
    if (this.#epoch === undefined || !(data instanceof Uint8Array)) return
    try {
      // Tabs do not pass into an epoch at the same moment; what one tells in between comes through the log.
      if (parseHeader(data).epochIndex !== this.#epoch.index) return
      const { kind, body } = await openEnvelope(this.#epoch.keys, data)
      if (kind !== EnvelopeKind.crossTab || this.#channel === undefined) return
      const content = body.subarray(1)
      if (body[0] === UPDATE) {
        scanUpdate(content)
        Y.applyUpdate(doc, content, this)
      }
      if (body[0] === STATE_VECTOR) await this.#answer(content)
    } catch (error) {
      if (error instanceof EnvelopeError || error instanceof ProtocolError)
        problems.raise('tampered', 'a message of another tab does not open', 'cross-tab')
      else problems.raise('member-fault', 'a message of another tab is not usable', 'cross-tab')
    }
  }

  /** A tab that opens hears what this one has beyond it, and so also what neither has been able to send. */
  async #answer(stateVector: Uint8Array): Promise<void> {
    const { doc } = this.#ports
    const update = Y.encodeStateAsUpdate(doc, stateVector)
    // Structs are told; of deletes a whole set always comes along, so an answer without structs is not worth sending.
    if (Y.decodeUpdate(update).structs.length > 0) await this.#send(UPDATE, update)
  }
}

/** Node has a BroadcastChannel too, but no tabs: two providers of one process would hear each other. */
const hasTabs = (): boolean => typeof document !== 'undefined' && typeof BroadcastChannel !== 'undefined'

function createTabSealer(epoch: Epoch): Promise<Sealer> {
  return createSealer(epoch.keys, { epochIndex: epoch.index, wire: false })
}
