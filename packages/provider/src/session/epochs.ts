import type { Down, Joined } from '@y-sealed/protocol'
import type { EpochStart } from '../checkpoint/epoch-start.ts'
import { type ChainedEpoch, readRecord } from '../epoch/chained-epoch.ts'
import type { Epoch, KeyState } from '../epoch/epoch.ts'
import { EpochWalk, type LoadReason } from '../epoch/epoch-walk.ts'
import type { Freshness } from '../epoch/freshness.ts'
import type { RecordsVerdict } from '../epoch/judge-records.ts'
import { factsOf } from '../epoch/key-desk.ts'
import { KeyWatch } from '../epoch/key-watch.ts'
import { equalBytes } from '../hex.ts'
import { History } from '../history/history.ts'
import type { Inbound } from '../inbound/inbound.ts'
import type { Restored } from '../local/persistence.ts'
import type { LogState } from '../log-state/log-state.ts'
import type { ProblemCode, SealedError } from '../sealed-error.ts'
import type { Requests } from './channel.ts'
import type { Checkpoints } from './checkpoints.ts'
import { compareJoined } from './compare-joined.ts'
import { OwnEpochs, type RotationOptions } from './own-epochs.ts'
import type { Phase, SessionPorts } from './session-ports.ts'
import type { Writing } from './writing.ts'

export interface EpochsPorts {
  readonly session: SessionPorts
  readonly inbound: Inbound
  readonly logState: LogState
  readonly writing: Writing
  readonly checkpoints: Checkpoints
  readonly requests: Requests
  phase(): Phase
  /** Somebody has seen another history than the one that was read here. */
  isContradicted(): boolean
  /** Nothing more is sealed under the present epoch. */
  onLeaving(): void
  /** The key is retired: nothing new is sealed; what is in flight may arrive. */
  onRetired(): void
  /** It is in use again after all. */
  onUnretired(): void
  /** In the newest epoch, with its keys; `readAgain`: what stands behind the cursor is to be asked for. */
  onThere(readAgain: boolean): void
  /** This client's own entries end there. */
  onOwnEntries(sequence: number): void
  onHeld(error: SealedError): void
  run(work: Promise<void>): void
  distrust(message: string): void
  startOver(): void
  halt(error: SealedError): void
}

/** Which epoch a session is in, and how it gets from one to the next: shown by the relay, or opened by this client. */
export class Epochs {
  readonly history: History
  readonly #ports: EpochsPorts
  readonly #walk: EpochWalk
  readonly #keyWatch: KeyWatch
  readonly #own: OwnEpochs
  /** Epoch records that the relay has shown in this session, oldest first. */
  #shown: ChainedEpoch[] = []
  /** The record that was taken came after the join: what the join has read is not its log. */
  #isJoinStale = false
  /** Whether the relay has the log that was read here shows once its newest epoch has been read. */
  #isUnproven = false
  /** The relay has no epoch of this document at all. */
  #isRelayEmpty = false
  /** This client has been here before, or has opened the epoch that it is in. */
  #isPinned = false

  constructor(ports: EpochsPorts) {
    this.#ports = ports
    const { session, requests, inbound, checkpoints } = ports
    const { problems, clock } = session
    const onContradicted = ({ code, message }: SealedError): void => {
      // It may be this client's own epoch, and the answer to that on its way: the next join tells.
      if (this.#own.rotations.isOpening) ports.startOver()
      else this.#hold(problems.raise(code, message, 'epoch'))
    }
    this.#walk = new EpochWalk({
      keyDesk: session.keyDesk,
      problems,
      inbound,
      load: checkpoints.load,
      prefetch: (epoch) => checkpoints.prefetch(epoch),
      onEntered: (epoch, state) => this.#entered(epoch, state),
      onLoaded: (epoch, state, why, start) => this.#loaded(epoch, state, why, start),
      onLoadFailed: ({ code, message }) => {
        if (code !== 'interrupted') problems.raise(code, message, 'checkpoint')
        ports.startOver()
      },
      onContradicted,
      onFailed: (error) => ports.run(Promise.reject(error)),
    })
    this.#keyWatch = new KeyWatch({
      ...session,
      mayWrite: () => ports.writing.role === 'write',
      onInactive: () => {
        ports.onRetired()
        this.#own.rotations.due()
      },
      onActive: () => {
        if (!this.#own.isForced && this.#own.rotations.notDue()) ports.onUnretired()
      },
      onConfirmed: () => session.onFreshness(),
      onContradicted,
    })
    this.history = new History({
      clock,
      problems,
      chain: () => this.#walk.line,
      keysOf: (epoch) => this.#walk.keysOf(epoch),
      pruned: () => checkpoints.known.pruned,
      end: () => ({ sequence: inbound.cursor, hash: inbound.hash }),
      ...requests,
    })
    this.#own = new OwnEpochs({
      ...ports,
      walk: this.#walk,
      history: this.history,
      shown: () => this.#shown,
      isRelayEmpty: () => this.#isRelayEmpty,
      isAtGivenEnd: () => this.isAtGivenEnd,
      askAgain: () => this.#keyWatch.look(),
      onRecord: (record) => this.recordAppeared(record, true),
      onContradicted,
      onBegun: (epoch, state, isAnother) => this.#announce(epoch, state, isAnother),
      onOpened: () => {
        this.#isPinned = true
      },
      onEntered: (epoch, state) => this.#entered(epoch, state),
      onLoaded: (epoch, state, start) => this.#loaded(epoch, state, 'void', start),
    })
  }

  /** Every epoch that is held good, the present one last. */
  get line(): readonly ChainedEpoch[] {
    return this.#walk.line
  }

  /** What the present epoch is to be begun with is not here yet. */
  get isUnbegun(): boolean {
    return this.#walk.isUnbegun
  }

  /** Goes on where this device stood: what the relay shows has to follow from there. */
  resume({ adopted, before, cursor, hash, update }: Restored): void {
    const { epoch, state } = adopted
    const start = { sequence: cursor, hash, checkpoint: undefined, update }
    this.#walk.resume(before, epoch, start)
    this.#ports.checkpoints.began(epoch, start)
    this.#announce(epoch, state, false)
  }

  /** The epoch in use; undefined until its keys are here. */
  get present(): Epoch | undefined {
    return this.#walk.epoch
  }

  /** What says that the epoch in use is the newest. */
  get freshness(): Freshness | undefined {
    if (this.present === undefined) return undefined
    if (this.#keyWatch.isConfirmed) return 'endpoint'
    return this.#isPinned ? 'pinned' : 'relay'
  }

  /** In the newest epoch that was shown, with its keys. */
  get isThere(): boolean {
    return this.#walk.isThere
  }

  /** The endpoint holds the key inactive, or the epoch is only read: nothing new is sealed with it. */
  get isRetired(): boolean {
    return this.#own.rotations.isDue || this.#walk.given !== undefined
  }

  /** Read as far as an epoch goes whose successor was given up: nothing more is to come. */
  get isAtGivenEnd(): boolean {
    const { given } = this.#walk
    return given !== undefined && this.#ports.inbound.cursor >= given.end
  }

  /** The relay shows no epoch after this one. */
  isHead(recordHash: Uint8Array): boolean {
    const head = this.#shown.at(-1) ?? this.present
    return head !== undefined && equalBytes(head.hash, recordHash)
  }

  /** Somebody is about to open an epoch here. */
  get isRotating(): boolean {
    return this.#own.rotations.isUnderWay
  }

  /** What the relay owes an answer to, and how far it has got; undefined while it owes nothing. */
  get owed(): string | undefined {
    return this.#own.owed ?? (this.#walk.isReading ? 'epoch' : undefined)
  }

  /** Resolves with the next epoch, whoever opens it; waits while the session is not live. */
  rotate(options: RotationOptions): Promise<Epoch> {
    return this.#own.rotate(options)
  }

  /** A record that came alone may have been garbled on its way: the next join shows it again, with all others. */
  locked(code: ProblemCode): void {
    if (code !== 'key-mismatch' || !this.#isJoinStale) return
    this.#isJoinStale = false
    this.#ports.startOver()
  }

  /** Whoever waits for another epoch waits in vain. */
  giveUpRotation(error: SealedError): void {
    this.#own.rotations.end(error)
  }

  /** A new session begins; what is shown in it is all that counts. */
  rejoin(): void {
    this.#shown = []
    this.#isJoinStale = false
  }

  joined(joined: Joined): void {
    const { session, inbound, run, distrust } = this.#ports
    const { problems } = session
    // Under a record H is never empty.
    this.#isRelayEmpty = joined.hash.length === 0
    this.#ports.checkpoints.joined(joined)
    if (this.present !== undefined) this.#isPinned = true
    session.onFreshness()
    if (!this.show(joined.records)) return
    const held = this.#walk.line
    const verdict = compareJoined(joined, this.#walk.judge(this.#shown), {
      holdsEpoch: this.present !== undefined,
      cursor: inbound.sure.sequence,
      showsHeld: this.#shown.some(({ hash }) => held.some((each) => equalBytes(each.hash, hash))),
    })
    switch (verdict.does) {
      case 'go-on':
        if (this.#walk.isUnbegun) {
          run(this.#walk.restart('pruned'))
          break
        }
        // The relay's word is not enough any more: what was read is compared with what it shows now.
        if (this.#ports.isContradicted() || !inbound.isSure) {
          run(this.#walk.restart('rewind'))
          break
        }
        this.#keyWatch.look()
        this.#ports.onThere(false)
        break
      case 'open':
        // Who may not write waits for somebody's `record`.
        if (joined.role === 'write') run(this.#own.opener.open())
        break
      case 'take':
        this.#take(verdict.records, verdict.lacks)
        break
      case 'reload':
        this.history.stop()
        run(this.#walk.restart('pruned'))
        break
      case 'rewind':
        problems.raise('rollback', verdict.message, 'log', { sequence: inbound.cursor })
        this.history.stop()
        run(this.#walk.restart('rewind'))
        break
      case 'hold':
        // The connection broke before what a person had decided was done.
        if (this.#own.isForced) this.#own.force()
        else this.#hold(problems.raise('rollback', verdict.message, 'epoch'))
        break
      case 'distrust':
        distrust(verdict.message)
        break
    }
  }

  /** Reads epoch records that the relay shows. False: one is unreadable, and the session starts over. */
  show(records: readonly Uint8Array[]): boolean {
    try {
      for (const record of records.map(readRecord)) {
        // A refusal and the log may show the same one: it counts where it was shown last.
        this.#shown = [...this.#shown.filter(({ hash }) => !equalBytes(hash, record.hash)), record]
      }
      return true
    } catch (error) {
      const { code, message } = factsOf(error)
      this.#ports.session.problems.raise(code, message, 'epoch')
      this.#ports.startOver()
      return false
    }
  }

  /**
   * Somebody opened an epoch. Who has sent a record too is told by the refusal; who waits, for it or for a key of its own, takes it. `isAnswer`: it came
   * with a refusal, which overtakes what waits for its place in the log.
   */
  recordAppeared(record: Uint8Array, isAnswer = false): void {
    if (this.#own.opener.isWaiting || !this.show([record])) return
    const verdict = this.#walk.judge(this.#shown)
    if (verdict.is === 'next') {
      this.#isJoinStale = true
      this.#take(verdict, undefined)
    } else if (verdict.is === 'unlinked' && (isAnswer || this.#isOvertaken())) {
      // Those before it are on their way, or it was overtaken itself.
    } else if (verdict.is !== 'known' && this.#ports.phase() !== 'held') {
      const why = verdict.is === 'wrong' ? verdict.why : 'it does not follow'
      this.#ports.distrust(`the relay shows an epoch record that does not fit: ${why}`)
    }
  }

  #isOvertaken(): boolean {
    const last = this.#shown.at(-1)
    return last !== undefined && this.#walk.isPast(last)
  }

  /** True if the message answered something that was asked here. */
  takes(message: Down): boolean {
    return (
      this.#own.takes(message) ||
      // Entries carry no request: what a look back has asked for may be what the reader waits for.
      (this.history.takes(message) && message.type !== 'entries')
    )
  }

  /** What waits to be sent has other ids now. */
  reissued(): void {
    this.#own.rotations.reissued()
  }

  /** An update has entered the log state. */
  logged(update: Uint8Array): void {
    this.#own.rotations.logged(update)
  }

  /** The reader has got on. */
  progress(): void {
    this.#walk.arrived()
    this.#own.rotations.read()
    this.#own.rotations.begin()
  }

  /** The document is complete and can be written. */
  live(): void {
    if (this.#isUnproven && this.#ports.writing.unsent.hasDisowned) {
      const message = 'what this device has read is not in the document that the relay shows'
      this.#ports.session.problems.raise('fork', message, 'log')
    }
    this.#isUnproven = false
    this.#own.rotations.live()
  }

  /** An append was acked. */
  wrote(): void {
    this.#keyWatch.wrote()
  }

  /** The relay asks to look at the endpoint. */
  nudged(): void {
    this.#keyWatch.nudged()
  }

  /** The session is over: what is under way comes too late; what is known stays. */
  stop(): void {
    this.#own.stop()
    this.#walk.stop()
    this.#keyWatch.stop()
    this.history.stop()
  }

  destroy(): void {
    this.stop()
    this.#walk.destroy()
    this.#own.destroy()
  }

  // --- shown by the relay ---

  #take(records: Extract<RecordsVerdict, { is: 'next' }>, lacks: 'fork' | 'unproven' | undefined): void {
    const { session, run, onLeaving } = this.#ports
    this.#own.superseded()
    this.#keyWatch.stop()
    onLeaving()
    if (lacks === 'fork') {
      const message = 'the relay has a newer epoch, but not the log that this device has read'
      session.problems.raise('fork', message, 'log', { sequence: this.#ports.inbound.cursor })
    }
    run(lacks === undefined ? this.#walk.take(records) : this.#walk.takeAnew(records, lacks))
  }

  /** The next epoch, the one before having been read to its end. */
  #entered(epoch: Epoch, state: KeyState): void {
    const { inbound, writing, checkpoints, onThere } = this.#ports
    writing.sealer.leave()
    checkpoints.entered(epoch)
    this.#announce(epoch, state)
    inbound.drain()
    if (this.isThere) onThere(false)
  }

  /** An epoch from a checkpoint on. */
  #loaded(epoch: Epoch, state: KeyState, why: LoadReason, start: EpochStart): void {
    const { inbound, writing, checkpoints, onThere } = this.#ports
    const { sealer, unsent } = writing
    sealer.leave()
    const isBehind = checkpoints.began(epoch, start)
    if (why === 'fork' || why === 'skip' || why === 'unproven') unsent.fork()
    this.#isUnproven = why === 'unproven'
    if (why !== 'cold') unsent.isHealing = true
    if (why !== 'rewind' && why !== 'pruned') this.#announce(epoch, state, why !== 'cold')
    // Entries that came before the key were kept, unless they were too many.
    const readAgain = why !== 'cold' || isBehind || this.#isJoinStale || inbound.overflowed
    this.#isJoinStale = false
    onThere(readAgain)
  }

  #announce(epoch: Epoch, state: KeyState, isAnother = true): void {
    if (this.#own.isForced) this.#isPinned = false
    if (this.#own.isForced || this.#walk.given !== undefined) {
      // On the way to an epoch of this client's own: it is read, and nothing is sealed under it.
      this.#ports.session.onEpoch(epoch)
      return
    }
    this.#own.rotations.entered(epoch, isAnother)
    this.#ports.session.onEpoch(epoch)
    this.#keyWatch.entered(epoch, state)
    this.#ports.session.onFreshness()
  }

  // --- held ---

  /** The relay shows another document than the one known here: nothing is mixed, until a person decides or the relay comes to its senses. */
  #hold(error: SealedError): void {
    this.#own.unforce()
    this.stop()
    this.#ports.onHeld(error)
  }
}
