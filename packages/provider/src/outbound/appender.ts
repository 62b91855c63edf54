import { EnvelopeKind, encodeWitnessBody, type Sealer, type Witness } from '@y-sealed/envelope'
import type { Clock } from '@y-sealed/key-client'
import { type Ack, DEFAULT_LIMITS, type Entry, type Limits, type Refused, type Up } from '@y-sealed/protocol'
import type { Problems } from '../problems.ts'
import type { SealedError } from '../sealed-error.ts'
import { Obstacle } from './obstacle.ts'
import type { Outbox } from './outbox.ts'
import { StagedRequest } from './staged-request.ts'

/** Up to here an envelope is sealed synchronously: in browsers noble is then quicker than a round trip to WebCrypto's thread. */
const SYNC_SEAL_BYTES = 4 * 1024
/** A relay that pauses (a rotation elsewhere) says so for at most 5 s (protocol §6); asked again after this. */
const PAUSED_RETRY_MS = 500

export interface AppenderPorts {
  readonly outbox: Outbox
  readonly problems: Problems
  readonly clock: Clock
  readonly flushDelayMs: number
  nextRequest(): number
  send(messages: Up[]): void
  /** Content of the document that is not in the log, as one update. */
  difference(): Uint8Array | undefined
  /** The same, as small as it can be made. */
  compactDifference(): Uint8Array | undefined
  /** Why the others could never take it; undefined if they can. */
  refusalOf(update: Uint8Array): UnusableChange | undefined
  /** Asked for the first envelope of a sealer, which goes to the log: where that was read to. */
  birth(salt: Uint8Array): { sequence: number; hash: Uint8Array }
  /** The session's wire sealer; undefined while there is none. */
  sealer(): Sealer | undefined
  /** Makes a fresh one when the one in use is spent. */
  renewSealer(): Promise<unknown>
  /** What is still to be said of the log by somebody who does not come back. */
  lastWitness(): Witness | undefined
  /** What was taken turned out to be in the log already, or over a limit. */
  onOutbox(): void
  /** The platform's crypto failed. */
  onSealFailed(): void
  /** `update`: what the append adds to the log, `isRepair`: as a repair; undefined for a witness alone. */
  onAck(ack: Ack, entries: readonly Entry[], update: Uint8Array | undefined, isRepair: boolean): void
  /** Anything but `paused`: the sealer is retired, the log read again, the rest sealed anew. */
  onRefused(refused: Refused): void
}

export interface UnusableChange {
  readonly code: 'limit' | 'fork'
  readonly message: string
}

interface InFlight {
  readonly update: Uint8Array | undefined
  readonly isRepair: boolean
  readonly staged: StagedRequest
  /** The checkpoint that a witness among the entries names. */
  readonly names: Uint8Array | undefined
}

/** What is sealed and may leave. */
interface Sealed {
  readonly update: Uint8Array | undefined
  readonly envelopes: readonly Uint8Array[]
}

/**
 * Updates → sealed entries → relay. One append in flight per document; what is typed meanwhile waits and goes out as one update.
 * Nothing overtakes: a refused append is sealed again, under a new sealer, before anything newer.
 */
export class Appender {
  readonly #ports: AppenderPorts
  readonly #obstacle: Obstacle
  #channel = 0
  #limits: Limits = DEFAULT_LIMITS
  #isStarted = false
  #inFlight: InFlight | undefined
  /** What is being sealed asynchronously; its counters are taken. */
  #sealing: Uint8Array | undefined
  #isRenewing = false
  #timer: unknown
  #isScheduled = false
  #takesWhole = false
  #isPaused = false
  #repair = false
  /** What this member is to say of the log, asked for when it is sealed: with the next append, or alone. */
  #witnesses: Array<() => Witness | undefined> = []
  #life = 0

  constructor(ports: AppenderPorts) {
    this.#ports = ports
    this.#obstacle = new Obstacle(ports.clock, () => this.changed())
  }

  get obstacle(): SealedError | undefined {
    return this.#obstacle.error
  }

  /** What is on its way changes the document. */
  get isUpdateInFlight(): boolean {
    return this.#inFlight?.update !== undefined
  }

  /** An append is on its way: its ack must still be waited for. */
  get isBusy(): boolean {
    return this.#inFlight !== undefined || this.#sealing !== undefined || this.#isRenewing
  }

  /** What waits heals the log. */
  repairNext(): void {
    this.#repair = true
    this.changed()
  }

  /** A witness is due. It is forgotten with the session. */
  witness(make: () => Witness | undefined): void {
    this.#witnesses.push(make)
    this.#kick()
  }

  /** From here on the outbox is sent. `repair` marks what heals a relay that lost entries. */
  start(channel: number, limits: Limits, repair: boolean): void {
    this.#channel = channel
    this.#limits = limits
    this.#isStarted = true
    this.#repair = repair
    this.resume()
  }

  /** A new session: whatever was over a limit is tried once more. */
  forgiveLimit(): void {
    if (this.#obstacle.forgive()) this.#takesWhole = true
  }

  /** The log is read again: nothing new is taken, what is in flight goes on. */
  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#kick()
  }

  /** Connection lost, refused or destroyed: what is in flight stays in the outbox. */
  stop(): void {
    this.#life++
    this.#isStarted = false
    this.#inFlight = undefined
    this.#sealing = undefined
    this.#isRenewing = false
    this.#isScheduled = false
    this.#witnesses = []
    this.#ports.outbox.restore()
    this.#ports.clock.clearTimeout(this.#timer)
    this.#obstacle.stopWaiting()
  }

  /** Something waits. After a `limit` everything is tried again as one difference: an undo may have made it small. */
  changed(): void {
    if (this.#obstacle.forgive()) this.#takesWhole = true
    this.#kick()
  }

  #kick(): void {
    if (!this.#mayTake() || this.#isScheduled) return
    this.#isScheduled = true
    const { clock, flushDelayMs } = this.#ports
    if (flushDelayMs > 0) this.#timer = clock.setTimeout(() => this.#due(), flushDelayMs)
    // The end of this turn: the many updates of one paste or one command go out together.
    else queueMicrotask(() => this.#due())
  }

  /** Sends what waits without waiting for `flushDelay`, in this very turn: a page that unloads has no other. */
  sendNow(): void {
    const sealer = this.#ports.sealer()
    if (sealer === undefined || !this.#mayTake()) return
    if (sealer.isSpent()) {
      // A new one takes a turn to make; nothing is lost by waiting for it.
      this.#kick()
      return
    }
    this.#isScheduled = false
    this.#ports.clock.clearTimeout(this.#timer)
    const update = this.#take()
    if (update !== undefined) {
      const envelopes = sealer.sealNow(EnvelopeKind.update, update, this.#sealOptions(sealer))
      this.#transmit({ update, envelopes }, sealer)
    }
  }

  /**
   * The session ends in this turn, and `isForGood` its provider too: what is being sealed, and what waits behind an append in flight, is sent after it, and no ack is waited
   * for. Counters follow on, so that the relay refuses it if it refuses what is before it; the next session compares the log anew.
   */
  sendLast(isForGood: boolean): void {
    const sealer = this.#ports.sealer()
    if (sealer === undefined || !this.#isStarted || this.#obstacle.error !== undefined || this.#isPaused) return
    const { staged, names } = this.#inFlight ?? {}
    for (let frame = staged?.next(); staged && frame !== undefined; frame = staged.next())
      this.#sendFrame(staged.request, frame, names)
    if (this.#sealing !== undefined) {
      for (const envelopes of sealer.sealUnfinishedNow()) this.#sendUnacked(envelopes)
    }
    const update = this.#ports.outbox.peek()
    const last = update === undefined ? [] : sealer.sealNow(EnvelopeKind.update, update, this.#sealOptions(sealer))
    const witness = isForGood ? this.#ports.lastWitness() : undefined
    if (witness !== undefined) last.push(...this.#sealWitness(sealer, witness))
    if (last.length > 0) this.#sendUnacked(last)
    this.stop()
  }

  #sendUnacked(envelopes: readonly Uint8Array[]): void {
    const staged = new StagedRequest(this.#ports.nextRequest(), envelopes, this.#limits.maxFrameEnvelopeBytes)
    for (let frame = staged.next(); frame !== undefined; frame = staged.next()) this.#sendFrame(staged.request, frame)
  }

  onStaged(request: number): void {
    if (this.#inFlight?.staged.request === request) this.#sendNextFrame(this.#inFlight)
  }

  onAck(ack: Ack): void {
    const inFlight = this.#inFlight
    if (inFlight !== undefined && inFlight.staged.request === ack.request) {
      this.#ports.onAck(ack, inFlight.staged.entries, inFlight.update, inFlight.isRepair)
    }
  }

  /** The acked append stands in the log, and H compared equal: only now may the next one be taken. */
  settled(): void {
    this.#inFlight = undefined
    this.#obstacle.passed()
    this.#kick()
  }

  onRefused(refused: Refused): void {
    const inFlight = this.#inFlight
    if (inFlight === undefined || inFlight.staged.request !== refused.request) return
    const { clock, problems } = this.#ports
    problems.count(`refused-${refused.code}`)
    if (refused.code === 'paused') {
      // Nothing was stored and nothing overtook it: the same bytes may be sent again.
      inFlight.staged.rewind()
      this.#timer = clock.setTimeout(() => this.#sendNextFrame(inFlight), PAUSED_RETRY_MS)
      return
    }
    this.#inFlight = undefined
    this.#ports.onRefused(refused)
    if (refused.code === 'limit') this.#setAside('limit', `the relay refused the change: ${refused.detail}`)
  }

  #mayTake(): boolean {
    return (
      this.#isStarted &&
      this.#inFlight === undefined &&
      this.#sealing === undefined &&
      !this.#isRenewing &&
      this.#obstacle.error === undefined &&
      !this.#isPaused &&
      (this.#ports.outbox.hasWaiting || this.#witnesses.length > 0)
    )
  }

  #due(): void {
    if (!this.#isScheduled) return
    this.#isScheduled = false
    if (!this.#mayTake()) return
    const life = this.#life
    // The counters it took are lost: only a new sealer goes on.
    this.#sealAndSend().catch(() => {
      if (life === this.#life) this.#ports.onSealFailed()
    })
  }

  async #sealAndSend(): Promise<void> {
    const life = this.#life
    if (this.#ports.sealer()?.isSpent()) {
      this.#isRenewing = true
      await this.#ports.renewSealer()
      if (life !== this.#life) return
      this.#isRenewing = false
    }
    const sealer = this.#ports.sealer()
    if (sealer === undefined) return
    const update = this.#ports.outbox.hasWaiting ? this.#take() : undefined
    if (update === undefined) {
      if (this.#obstacle.error === undefined) this.#transmit({ update, envelopes: [] }, sealer)
      return
    }
    if (update.length <= SYNC_SEAL_BYTES) {
      const envelopes = sealer.sealNow(EnvelopeKind.update, update, this.#sealOptions(sealer))
      this.#transmit({ update, envelopes }, sealer)
      return
    }
    this.#sealing = update
    const envelopes = await sealer.seal(EnvelopeKind.update, update, this.#sealOptions(sealer))
    if (life !== this.#life) return
    this.#sealing = undefined
    this.#transmit({ update, envelopes }, sealer)
  }

  #take(): Uint8Array | undefined {
    const { outbox, difference, compactDifference, onOutbox, clock } = this.#ports
    if (this.#takesWhole) outbox.replace(compactDifference(), clock.now())
    this.#takesWhole = false
    const update = outbox.take(difference)
    if (update === undefined) {
      // An undone edit, or one that came back by another road.
      outbox.settle()
      onOutbox()
    } else if (update.length > this.#limits.maxAppendBytes) {
      const { maxAppendBytes } = this.#limits
      this.#setAside('limit', `the change has ${update.length} bytes; the relay takes ${maxAppendBytes}`)
      return undefined
    }
    const refusal = update && this.#ports.refusalOf(update)
    if (refusal !== undefined) {
      this.#setAside(refusal.code, refusal.message)
      return undefined
    }
    return update
  }

  #setAside(code: 'limit' | 'fork', message: string): void {
    const { problems, outbox, onOutbox } = this.#ports
    outbox.restore()
    this.#obstacle.met(problems.raise(code, message, 'append'))
    onOutbox()
  }

  #sealOptions(sealer: Sealer): { repair?: boolean; birth?: { sequence: number; hash: Uint8Array } } {
    return { ...(this.#repair ? { repair: true } : {}), ...this.#birthOf(sealer) }
  }

  #birthOf(sealer: Sealer): { birth?: { sequence: number; hash: Uint8Array } } {
    return sealer.unborn ? { birth: this.#ports.birth(sealer.salt) } : {}
  }

  #transmit({ update, envelopes }: Sealed, sealer: Sealer): void {
    const { problems, nextRequest } = this.#ports
    // Beside a large update it might be more than the relay takes at once.
    const isRoom = update === undefined || update.length <= SYNC_SEAL_BYTES
    const witness = isRoom ? this.#takeWitness() : undefined
    const all = witness === undefined ? envelopes : [...envelopes, ...this.#sealWitness(sealer, witness)]
    if (all.length === 0) return
    problems.count('sealed', all.length)
    const staged = new StagedRequest(nextRequest(), all, this.#limits.maxFrameEnvelopeBytes)
    this.#inFlight = { update, isRepair: this.#repair, staged, names: witness?.checkpoint }
    if (update !== undefined) this.#repair = false
    this.#sendNextFrame(this.#inFlight)
  }

  /** One speaks for all that are due; the one that names a checkpoint first. */
  #takeWitness(): Witness | undefined {
    const due = this.#witnesses
    this.#witnesses = []
    const made = due.flatMap((make) => make() ?? [])
    return made.find(({ checkpoint }) => checkpoint !== undefined) ?? made[0]
  }

  #sealWitness(sealer: Sealer, witness: Witness): Uint8Array[] {
    return sealer.sealNow(EnvelopeKind.witness, encodeWitnessBody(witness), this.#birthOf(sealer))
  }

  #sendNextFrame(inFlight: InFlight): void {
    if (inFlight !== this.#inFlight) return
    const frame = inFlight.staged.next()
    if (frame !== undefined) this.#sendFrame(inFlight.staged.request, frame, inFlight.names)
  }

  #sendFrame(
    request: number,
    { envelopes, isLast }: { envelopes: Entry[]; isLast: boolean },
    names?: Uint8Array,
  ): void {
    const message = { channel: this.#channel, request, envelopes }
    const naming = names === undefined ? {} : { names }
    this.#ports.send([isLast ? { type: 'append', ...message, ...naming } : { type: 'stage', ...message }])
  }
}
