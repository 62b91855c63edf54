import type { Sealer, Witness } from '@y-sealed/envelope'
import type { Refused } from '@y-sealed/protocol'
import { CurrentSealer } from '../epoch/current-sealer.ts'
import type { Epoch } from '../epoch/epoch.ts'
import type { Inbound } from '../inbound/inbound.ts'
import type { LogState } from '../log-state/log-state.ts'
import { Unsent } from '../log-state/unsent.ts'
import { Appender, type UnusableChange } from '../outbound/appender.ts'
import type { SealedError } from '../sealed-error.ts'
import type { Requests } from './channel.ts'
import { HealDelay } from './heal-delay.ts'
import type { SessionPorts } from './session-ports.ts'

/** Appends refused in a row that are settled in silence, by a new sealer each (protocol §7). */
const SILENT_REFUSALS = 3

export interface WritingPorts {
  readonly session: SessionPorts
  readonly logState: LogState
  readonly inbound: Inbound
  readonly requests: Requests
  epoch(): Epoch | undefined
  isLive(): boolean
  /** Rises whenever a session begins or ends. */
  life(): number
  /** Somebody's epoch record came with a refusal. False: it is to be entered first. */
  onRecord(record: Uint8Array): boolean
  /** The log is to be read again before anything more is sent. */
  read(): void
  readLater(): void
  /** This session may only read. */
  onDenied(): void
  run(work: Promise<void>): void
  startOver(): void
  /** What this member says goes to the log under that salt. */
  onBirth(salt: Uint8Array): void
  lastWitness(): Witness | undefined
}

/** What a session sends of the document: all that the log lacks, once that is known, under one sealer at a time. */
export class Writing {
  role: 'read' | 'write' = 'read'
  readonly unsent: Unsent
  readonly sealer: CurrentSealer
  readonly appender: Appender
  readonly #ports: WritingPorts
  readonly #healDelay: HealDelay
  #refusalsInARow = 0

  constructor(ports: WritingPorts) {
    this.#ports = ports
    const { session, logState, inbound, requests } = ports
    const { problems } = session
    this.unsent = new Unsent(session.doc, logState)
    this.sealer = new CurrentSealer(session)
    this.#healDelay = new HealDelay(session.clock, () => this.#healNow())
    this.appender = new Appender({
      ...session,
      ...requests,
      difference: () => this.unsent.lacking(),
      compactDifference: () => this.unsent.compactLacking(),
      refusalOf: (update) => this.#refusalOf(update),
      lastWitness: () => ports.lastWitness(),
      birth: (salt) => {
        ports.onBirth(salt)
        return inbound.sure
      },
      sealer: () => this.sealer.sealer,
      renewSealer: () => this.renewSealer(),
      onSealFailed: () => {
        problems.raise('internal', 'sealing failed; it is tried again in a new session', 'append')
        ports.startOver()
      },
      onAck: (ack, entries, update, isRepair) => inbound.receiveAck(ack.sequence, entries, update, ack.hash, isRepair),
      onRefused: (refused) => ports.run(this.#refused(refused)),
    })
  }

  get canWrite(): boolean {
    return this.role === 'write' && this.#ports.isLive()
  }

  /** Why what the user wrote is not sent as it is; undefined while nothing stands in the way. */
  get obstacle(): SealedError | undefined {
    return this.appender.obstacle
  }

  async renewSealer(): Promise<void> {
    const epoch = this.#ports.epoch()
    if (epoch !== undefined) await this.sealer.renew(epoch)
  }

  /** The wire sealer, for awareness; one that is spent is replaced for the next use, between two appends. */
  useSealer(): Sealer | undefined {
    const { sealer, isRenewing } = this.sealer
    if (sealer?.isSpent() && !this.appender.isBusy && !isRenewing) this.#ports.run(this.renewSealer())
    return sealer
  }

  /** The law (protocol §7): whatever the document holds and the log lacks is on its way from now on. `isRetired`: under the next key only. */
  begin(isRetired: boolean): void {
    const { requests, onDenied } = this.#ports
    const { outbox, clock } = this.#ports.session
    this.#healDelay.stop()
    const hasTyped = !outbox.isEmpty
    outbox.replace(this.unsent.settle(), clock.now())
    if (outbox.isEmpty) this.unsent.isHealing = false
    if (this.role === 'read') {
      onDenied()
      return
    }
    const { isHealing } = this.unsent
    this.appender.start(requests.channel(), requests.limits(), isHealing)
    if (isRetired) this.retire()
    else if (isHealing && !hasTyped) {
      this.appender.pause()
      this.#healDelay.begin()
    }
  }

  /** The key is retired: nothing new is sealed; what is in flight may arrive. */
  retire(): void {
    this.#healDelay.stop()
    this.appender.pause()
  }

  /** It is in use again after all. */
  unretire(): void {
    if (this.canWrite) this.appender.resume()
  }

  /** The epoch or the session is over. */
  stop(): void {
    this.#healDelay.stop()
    this.appender.stop()
  }

  changed(): void {
    this.#healDelay.hurry()
    if (this.canWrite) this.appender.changed()
  }

  flushNow(): void {
    this.#healDelay.hurry()
    if (this.canWrite) this.appender.sendNow()
  }

  sendLast(isForGood: boolean): void {
    this.#healDelay.hurry()
    if (this.canWrite) this.appender.sendLast(isForGood)
  }

  /** Something of what was read is not in the log for everybody: it is published again. */
  heal(): void {
    const { outbox, clock, onOutbox } = this.#ports.session
    const missing = this.unsent.lacking()
    if (missing === undefined) return
    // If the session ends first, the next one knows that this is not what the user wrote.
    this.unsent.isHealing = true
    outbox.add(missing, clock.now())
    this.appender.repairNext()
    onOutbox()
  }

  /** What others have brought back meanwhile is not missing any more. */
  #healNow(): void {
    if (!this.canWrite) return
    const { outbox, clock, onOutbox } = this.#ports.session
    outbox.replace(this.unsent.lacking(), clock.now())
    if (outbox.isEmpty) this.unsent.isHealing = false
    this.appender.resume()
    onOutbox()
  }

  /** An append stands in the log. */
  settled(): void {
    const { outbox, onOutbox } = this.#ports.session
    this.#refusalsInARow = 0
    outbox.settle()
    if (this.#ports.isLive() && outbox.isEmpty) this.unsent.isHealing = false
    onOutbox()
    this.appender.settled()
  }

  #refusalOf(update: Uint8Array): UnusableChange | undefined {
    if (this.unsent.restsOnDisowned(update))
      return { code: 'fork', message: 'what was written rests on content that the document does not have' }
    const refusal = this.#ports.inbound.refusalOf(update)
    return refusal === undefined ? undefined : { code: 'limit', message: `the others would not take it: ${refusal}` }
  }

  async #refused(refused: Refused): Promise<void> {
    const { session, onRecord, read, readLater, onDenied } = this.#ports
    const { problems, onOutbox } = session
    const life = this.#ports.life()
    this.appender.stop()
    if (refused.code === 'write-denied') {
      this.role = 'read'
      problems.raise('write-denied', 'the relay takes no entries from this token', 'append')
      onDenied()
      onOutbox()
      return
    }
    if (refused.code === 'stale-epoch' && refused.record !== undefined && !onRecord(refused.record)) return
    // The record may have ended the session.
    if (life !== this.#ports.life()) return
    await this.renewSealer()
    if (life !== this.#ports.life()) return
    // A limit has a back-off of its own.
    if (refused.code === 'limit' || ++this.#refusalsInARow === 1) {
      read()
      return
    }
    if (this.#refusalsInARow > SILENT_REFUSALS) {
      problems.raise('relay-fault', `the relay goes on refusing what it should take: ${refused.code}`, 'append')
    }
    readLater()
  }
}
