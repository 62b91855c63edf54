import type { Clock } from '@y-sealed/key-client'
import type { Down, Limits, Place, RefusalCode, Up } from '@y-sealed/protocol'
import type * as Y from 'yjs'
import type { Epoch } from '../epoch/epoch.ts'
import { CoveredLog, type WholeLog } from '../log-state/covered-log.ts'
import type { LogState } from '../log-state/log-state.ts'
import { StagedFrames } from '../outbound/staged-frames.ts'
import { SealedError } from '../sealed-error.ts'
import { sealCheckpoint } from './seal-checkpoint.ts'
import { stateDigest } from './state-digest.ts'

export interface CompactorPorts {
  readonly doc: Y.Doc
  readonly logState: LogState
  readonly clock: Clock
  readonly padding: boolean
  channel(): number
  nextRequest(): number
  limits(): Limits
  send(messages: Up[]): void
  /** Where the reader stands. `isWhole`: nothing before it is held back, and no update is cut there. */
  reader(): { readonly cursor: number; readonly hash: Uint8Array; readonly isWhole: boolean }
  /** No other checkpoint is known to have come after this one; undefined: after the epoch's start. */
  isNewest(place: Place | undefined): boolean
  /** The relay has stored it. */
  onStored(place: Place, isNamed: boolean): void
  onEnded(why: CompactionEnd): void
}

/** `stored`; `failed`: an error of this side; else the relay's refusal, with the head record where that is another. */
export type CompactionEnd =
  | { readonly is: 'stored' }
  | { readonly is: 'failed'; readonly error: unknown }
  | { readonly is: RefusalCode; readonly record: Uint8Array | undefined }

/** Two acks cover what was typed when the document was copied; the lease is somebody else's to have if they do not come. */
const COVER_MS = 30_000

type Step = 'leasing' | 'covering' | 'sealing' | 'staging' | 'storing' | 'over'

/** Where the log stands that is being sealed. */
interface Covered extends WholeLog {
  readonly sequence: number
  readonly hash: Uint8Array
}

/**
 * Makes one checkpoint (protocol §7): takes the lease, waits until a document holds exactly the log, seals that, uploads it and has the relay store it
 * if it still follows the one that was the newest. Everything else goes on beside it; whatever goes wrong, the log is as it was.
 */
export class Compactor {
  readonly #ports: CompactorPorts
  readonly #epoch: Epoch
  readonly #previous: Place | undefined
  /** Lease, what is staged and `compact` share one number. */
  readonly #request: number
  #step: Step = 'leasing'
  #covered: CoveredLog | undefined
  #at: Covered | undefined
  #checkpoint: Uint8Array | undefined
  readonly #frames: StagedFrames
  #bytes = 0
  #timer: unknown

  /** `previous`: the newest checkpoint that is known; undefined where there is none. */
  constructor(ports: CompactorPorts, epoch: Epoch, previous: Place | undefined) {
    this.#ports = ports
    this.#epoch = epoch
    this.#previous = previous
    this.#request = ports.nextRequest()
    this.#frames = new StagedFrames(ports.limits().maxFrameEnvelopeBytes)
  }

  begin(): void {
    const { send, channel } = this.#ports
    send([{ type: 'lease', channel: channel(), request: this.#request, purpose: 'checkpoint', head: this.#epoch.hash }])
  }

  /** Changes whenever the relay gets on with it; undefined while it owes no answer. */
  get owed(): string | undefined {
    const isOwed = this.#step === 'leasing' || this.#step === 'staging' || this.#step === 'storing'
    return isOwed ? `${this.#step} ${this.#frames.left}` : undefined
  }

  /** True if the message answered this compactor. */
  takes(message: Down): boolean {
    if (!('request' in message) || message.request !== this.#request || this.#step === 'over') return false
    switch (message.type) {
      case 'leased':
        // Somebody was quicker, and was heard of while the lease was on its way.
        if (!this.#ports.isNewest(this.#previous)) {
          this.#giveUp()
          return true
        }
        this.#step = 'covering'
        this.#timer = this.#ports.clock.setTimeout(() => this.#giveUp(), COVER_MS)
        this.read()
        return true
      case 'staged':
        this.#sendNext()
        return true
      case 'compacted':
        this.#stored(message.named)
        return true
      case 'refused':
        // A refusal of what came later leaves the lease.
        if (this.#step !== 'leasing') this.#release()
        this.#end({ is: message.code, record: message.record })
        return true
      default:
        return false
    }
  }

  /** An update has entered the log state. */
  logged(update: Uint8Array): void {
    this.#covered?.note(update)
  }

  /** The reader has got on. To be asked in the same turn, too, in which an update was logged. */
  read(): void {
    if (this.#step !== 'covering') return
    const { doc, logState, reader } = this.#ports
    const { cursor: sequence, hash, isWhole } = reader()
    if (!isWhole) return
    this.#covered ??= new CoveredLog(doc, logState)
    const whole = this.#covered.take()
    if (whole === undefined) return
    this.#ports.clock.clearTimeout(this.#timer)
    this.#dropCopy()
    this.#step = 'sealing'
    this.#at = { ...whole, sequence, hash }
    this.#seal(this.#at).catch((error: unknown) => this.#fail(error))
  }

  /** The session is over, or something more urgent needs the lease. */
  stop(): void {
    this.#step = 'over'
    this.#ports.clock.clearTimeout(this.#timer)
    this.#dropCopy()
  }

  async #seal({ update, state, sequence, hash }: Covered): Promise<void> {
    const { clock, padding } = this.#ports
    const { keys, index: epochIndex } = this.#epoch
    const digest = await stateDigest(state)
    const manifest = { sequence, hash, previous: this.#previous?.checkpoint, digest, unixMs: clock.now() }
    const sealed = await sealCheckpoint({ keys, epochIndex, padding, clock, manifest, update })
    if (this.#step !== 'sealing') return
    this.#checkpoint = sealed.hash
    this.#bytes = sealed.chunks.reduce((sum, { length }) => sum + length, 0)
    if (this.#bytes > this.#ports.limits().maxAppendBytes) {
      this.#fail(
        new SealedError('limit', `a checkpoint of ${this.#bytes} bytes is over the relay's limit`, 'checkpoint'),
      )
      return
    }
    this.#frames.addChunks(sealed.chunks)
    this.#step = 'staging'
    this.#sendNext()
  }

  #sendNext(): void {
    const { send } = this.#ports
    const { isLast } = this.#frames
    const envelopes = this.#frames.next()
    if (envelopes === undefined || this.#at === undefined || this.#checkpoint === undefined) return
    const channel = this.#ports.channel()
    if (!isLast) {
      send([{ type: 'stage', channel, request: this.#request, envelopes }])
      return
    }
    this.#step = 'storing'
    const { sequence, hash } = this.#at
    const previous = this.#previous?.checkpoint
    send([
      {
        type: 'compact',
        channel,
        request: this.#request,
        sequence,
        hash,
        ...(previous === undefined ? {} : { previous }),
        checkpoint: this.#checkpoint,
        envelopes,
      },
    ])
  }

  /** What was sent counts, whatever the answer says of it. */
  #stored(isNamed: boolean): void {
    if (this.#step !== 'storing' || this.#at === undefined || this.#checkpoint === undefined) return
    const { sequence, hash } = this.#at
    this.#ports.onStored({ checkpoint: this.#checkpoint, sequence, hash, bytes: this.#bytes }, isNamed)
    this.#end({ is: 'stored' })
  }

  /** There is nothing to follow, or what is typed here does not get into the log: whoever tries later may have more luck. */
  #giveUp(): void {
    this.#release()
    this.#end({ is: 'busy', record: undefined })
  }

  #fail(error: unknown): void {
    if (this.#step === 'over') return
    this.#release()
    this.#end({ is: 'failed', error })
  }

  /** The lease is given back: nobody has to wait for it to run out. */
  #release(): void {
    const { send, channel, nextRequest } = this.#ports
    send([{ type: 'release', channel: channel(), request: nextRequest() }])
  }

  #end(why: CompactionEnd): void {
    this.stop()
    this.#ports.onEnded(why)
  }

  #dropCopy(): void {
    this.#covered?.destroy()
    this.#covered = undefined
  }
}
