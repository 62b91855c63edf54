import type { Down, Joined, Limits, Refused, Up } from '@y-sealed/protocol'
import * as Y from 'yjs'
import { CheckpointFetch } from '../checkpoint/checkpoint-fetch.ts'
import { type ChainedEpoch, readRecord } from '../epoch/chained-epoch.ts'
import type { CurrentSealer } from '../epoch/current-sealer.ts'
import type { Epoch, KeyState } from '../epoch/epoch.ts'
import { EpochOpener, type WonOpening } from '../epoch/epoch-opener.ts'
import { EpochWalk, type LoadReason } from '../epoch/epoch-walk.ts'
import type { RecordsVerdict } from '../epoch/judge-records.ts'
import { factsOf } from '../epoch/key-desk.ts'
import { KeyWatch } from '../epoch/key-watch.ts'
import { equalBytes } from '../hex.ts'
import { History } from '../history/history.ts'
import type { Inbound } from '../inbound/inbound.ts'
import type { LogState } from '../log-state/log-state.ts'
import type { Unsent } from '../log-state/unsent.ts'
import { rethrowLater } from '../rethrow-later.ts'
import { Rotations } from '../rotation/rotations.ts'
import type { OwnEpoch, RotationGoal } from '../rotation/rotator.ts'
import { type ProblemCode, SealedError } from '../sealed-error.ts'
import { compareJoined } from './compare-joined.ts'
import type { Phase, SessionPorts } from './session-ports.ts'

/** What `rotateKey` was asked for, beyond a new key (protocol §5, §6). */
export interface RotationOptions {
  /** The newest epoch's key is lost: give that epoch up, and follow the last one whose key can be had. */
  readonly replace?: boolean
  /** The relay shows another document than the one known here: follow what it shows, and bring what this device holds. */
  readonly force?: boolean
}

/** The key of an epoch is gone, for everybody (protocol §5). */
const LOST: readonly ProblemCode[] = ['key-unknown', 'key-mismatch', 'key-invalid']

export interface EpochsPorts {
  readonly session: SessionPorts
  readonly inbound: Inbound
  readonly logState: LogState
  readonly unsent: Unsent
  readonly sealer: CurrentSealer
  readonly requests: {
    channel(): number
    nextRequest(): number
    limits(): Limits
    send(messages: Up[]): void
  }
  phase(): Phase
  role(): 'read' | 'write'
  becomeReader(): void
  /** Nothing more is sealed under the present epoch. */
  onLeaving(): void
  /** The key is retired: nothing new is sealed; what is in flight may arrive. */
  onRetired(): void
  /** It is in use again after all. */
  onUnretired(): void
  /** What the user wrote cannot be appended as it is. */
  isStuck(): boolean
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
  /** The relay lost entries, or an epoch was given up: what is sent next is marked as a repair. */
  isHealing = false
  readonly #ports: EpochsPorts
  readonly #opener: EpochOpener
  readonly #walk: EpochWalk
  readonly #keyWatch: KeyWatch
  readonly #rotations: Rotations
  /** Epoch records that the relay has shown in this session, oldest first. */
  #shown: ChainedEpoch[] = []
  /** Held good until a person gave them up: their numbers and hints stay used. */
  #pinned: readonly ChainedEpoch[] = []
  #fetch: CheckpointFetch | undefined
  /** The record that was taken came after the join: what the join has read is not its log. */
  #isJoinStale = false
  /** A person has decided to go on with what the relay shows: it is read, and only followed by an epoch of this client's own. */
  #isForced = false
  /** A person has given up the newest epoch. */
  #isReplacing = false
  /** The relay has no epoch of this document at all. */
  #isRelayEmpty = false

  constructor(ports: EpochsPorts) {
    this.#ports = ports
    const { session, requests, inbound, logState } = ports
    const { problems, clock } = session
    const onContradicted = ({ code, message }: SealedError): void => {
      // It may be this client's own epoch, and the answer to that on its way: the next join tells.
      if (this.#rotations.isOpening) ports.startOver()
      else this.#hold(problems.raise(code, message, 'epoch'))
    }
    this.#opener = new EpochOpener({
      ...session,
      ...requests,
      onContradicted,
      onWon: (won) => this.#wonOpening(won),
      onRefused: (refused) => this.#openingRefused(refused),
      onSeedFailed: (error) => {
        const name = error instanceof Error ? error.name : 'error'
        ports.halt(
          problems.raise('initial-failed', `the option initial threw (${name}): nothing was opened`, 'initial'),
        )
      },
    })
    this.#walk = new EpochWalk({
      keyDesk: session.keyDesk,
      problems,
      inbound,
      fetchCheckpoint: (checkpoint) => {
        this.#fetch?.stop()
        this.#fetch = new CheckpointFetch(requests, checkpoint)
        return this.#fetch.start()
      },
      onEntered: (epoch, state) => this.#entered(epoch, state),
      onLoaded: (epoch, state, why) => this.#loaded(epoch, state, why),
      onLoadFailed: ({ code, message }) => {
        if (code !== 'interrupted') problems.raise(code, message, 'checkpoint')
        ports.startOver()
      },
      onContradicted,
      onFailed: (error) => ports.run(Promise.reject(error)),
    })
    this.#keyWatch = new KeyWatch({
      ...session,
      mayWrite: () => ports.role() === 'write',
      onInactive: () => {
        ports.onRetired()
        this.#rotations.due()
      },
      onActive: () => {
        if (!this.#isForced && this.#rotations.notDue()) ports.onUnretired()
      },
      onContradicted,
    })
    this.history = new History({
      clock,
      problems,
      chain: () => this.#walk.line,
      keysOf: (epoch) => this.#walk.keysOf(epoch),
      end: () => ({ sequence: inbound.cursor, hash: inbound.hash }),
      ...requests,
    })
    this.#rotations = new Rotations({
      ...session,
      ...requests,
      logState,
      reader: () => ({ cursor: inbound.cursor, hash: inbound.hash, isWhole: !inbound.isHolding }),
      known: () => [...this.#pinned, ...this.#walk.line, ...this.#shown],
      openLog: (epoch, sequence) => this.history.openEpoch(epoch.index, sequence),
      goal: () => this.#goal(),
      askAgain: () => this.#keyWatch.look(),
      onRecord: (record) => this.recordAppeared(record, true),
      onOpened: (opened) => this.#openedOwn(opened),
      onContradicted,
    })
  }

  /** The epoch in use; undefined until its keys are here. */
  get present(): Epoch | undefined {
    return this.#walk.epoch
  }

  /** In the newest epoch that was shown, with its keys. */
  get isThere(): boolean {
    return this.#walk.isThere
  }

  /** The endpoint holds the key inactive, or the epoch is only read: nothing new is sealed with it. */
  get isRetired(): boolean {
    return this.#rotations.isDue || this.#walk.given !== undefined
  }

  /** Read as far as an epoch goes whose successor was given up: nothing more is to come. */
  get isAtGivenEnd(): boolean {
    const { given } = this.#walk
    return given !== undefined && this.#ports.inbound.cursor >= given.end
  }

  /** What the relay owes an answer to, and how far it has got; undefined while it owes nothing. */
  get owed(): string | undefined {
    const isOwed = this.#opener.isWaiting || this.#walk.isReading || this.#fetch?.isWaiting === true
    return this.#rotations.owed ?? (isOwed ? 'epoch' : undefined)
  }

  /** Resolves with the next epoch, whoever opens it; waits while the session is not live. */
  rotate({ replace = false, force = false }: RotationOptions): Promise<Epoch> {
    const { session, phase, run } = this.#ports
    if (force && phase() === 'held') this.#force()
    // A key that is slow to come, or that this member may not have, is no lost key.
    const isLost = LOST.some((code) => code === session.keyDesk.standing?.code)
    if (replace && isLost && phase() === 'keying') run(this.#replace())
    return this.#rotations.wish()
  }

  async #replace(): Promise<void> {
    this.#isReplacing = true
    if (await this.#walk.giveUpNewest()) return
    this.#isReplacing = false
    this.#rotations.end(new SealedError('key-unknown', 'there is no other epoch whose key can be had', 'epoch'))
  }

  /** A record that came alone may have been garbled on its way: the next join shows it again, with all others. */
  locked(code: ProblemCode): void {
    if (code !== 'key-mismatch' || !this.#isJoinStale) return
    this.#isJoinStale = false
    this.#ports.startOver()
  }

  /** Whoever waits for another epoch waits in vain. */
  giveUpRotation(error: SealedError): void {
    this.#rotations.end(error)
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
    if (!this.show(joined.records)) return
    const held = this.#walk.line
    const verdict = compareJoined(joined, this.#walk.judge(this.#shown), {
      holdsEpoch: this.present !== undefined,
      cursor: inbound.cursor,
      showsHeld: this.#shown.some(({ hash }) => held.some((each) => equalBytes(each.hash, hash))),
    })
    switch (verdict.does) {
      case 'go-on':
        this.#keyWatch.look()
        this.#ports.onThere(false)
        break
      case 'open':
        // Who may not write waits for somebody's `record`.
        if (joined.role === 'write') run(this.#opener.open())
        break
      case 'take':
        this.#take(verdict.records, verdict.isFork)
        break
      case 'rewind':
        problems.raise('rollback', verdict.message, 'log')
        this.history.stop()
        run(this.#walk.restart('rewind'))
        break
      case 'hold':
        // The connection broke before what a person had decided was done.
        if (this.#isForced) this.#force()
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
    if (this.#opener.isWaiting || !this.show([record])) return
    const verdict = this.#walk.judge(this.#shown)
    if (verdict.is === 'next') {
      this.#isJoinStale = true
      this.#take(verdict, false)
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
      this.#opener.takes(message) ||
      this.#rotations.takes(message) ||
      this.#fetch?.takes(message) === true ||
      // Entries carry no request: what a look back has asked for may be what the reader waits for.
      (this.history.takes(message) && message.type !== 'entries')
    )
  }

  /** An update has entered the log state. */
  logged(update: Uint8Array): void {
    this.#rotations.logged(update)
  }

  /** The reader has got on. */
  progress(): void {
    this.#walk.arrived()
    this.#rotations.read()
    this.#rotations.begin()
  }

  /** The document is complete and can be written. */
  live(): void {
    this.#rotations.live()
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
    if (this.#isReplacing) {
      this.#isReplacing = false
      this.#rotations.end(new SealedError('interrupted', 'the session ended before the epoch was replaced', 'epoch'))
    }
    this.#fetch?.stop()
    this.#walk.stop()
    this.#keyWatch.stop()
    this.#rotations.pause()
    this.#opener.abandon()
    this.history.stop()
  }

  destroy(): void {
    this.stop()
    this.#walk.destroy()
    for (const { keys } of this.#pinned) keys?.forget()
  }

  // --- shown by the relay ---

  #take(records: Extract<RecordsVerdict, { is: 'next' }>, isFork: boolean): void {
    const { session, run, onLeaving } = this.#ports
    // Somebody else has opened what was to be opened here.
    this.#isForced = false
    this.#isReplacing = false
    this.#rotations.superseded()
    this.#keyWatch.stop()
    onLeaving()
    if (isFork) {
      session.problems.raise('fork', 'the relay has a newer epoch, but not the log that this device has read', 'log')
    }
    run(isFork ? this.#walk.takeAnew(records) : this.#walk.take(records))
  }

  /** The next epoch, the one before having been read to its end. */
  #entered(epoch: Epoch, state: KeyState): void {
    const { inbound, sealer, onThere } = this.#ports
    sealer.leave()
    this.#announce(epoch, state)
    inbound.drain()
    if (this.isThere) onThere(false)
  }

  /** An epoch from its checkpoint on. */
  #loaded(epoch: Epoch, state: KeyState, why: LoadReason): void {
    const { inbound, sealer, unsent, onThere } = this.#ports
    sealer.leave()
    if (why === 'fork' || why === 'skip') unsent.fork()
    if (why !== 'cold') this.isHealing = true
    if (why !== 'rewind') this.#announce(epoch, state, why !== 'cold')
    // Entries that came before the key were kept, unless they were too many.
    const readAgain = why !== 'cold' || this.#isJoinStale || inbound.overflowed
    this.#isJoinStale = false
    onThere(readAgain)
  }

  #announce(epoch: Epoch, state: KeyState, isAnother = true): void {
    if (this.#isForced || this.#walk.given !== undefined) {
      // On the way to an epoch of this client's own: it is read, and nothing is sealed under it.
      this.#ports.session.onEpoch(epoch)
      return
    }
    this.#rotations.entered(epoch, isAnother)
    this.#ports.session.onEpoch(epoch)
    this.#keyWatch.entered(epoch, state)
  }

  // --- opened by this client ---

  #wonOpening({ epoch, state, sealer, seed, entries, sequence, hash }: WonOpening): void {
    const { session, inbound, onOwnEntries, onThere } = this.#ports
    const isAnother = this.present !== undefined
    if (isAnother) this.isHealing = true
    this.#isForced = false
    this.#walk.beginOwn(epoch)
    this.#ports.sealer.use(sealer)
    this.#announce(epoch, state, isAnother)
    if (seed !== undefined) {
      rethrowLater(() => Y.applyUpdate(session.doc, seed, session.origin))
      inbound.receiveAck(sequence, entries, seed, hash)
    }
    onOwnEntries(sequence)
    onThere(false)
  }

  #openingRefused(refused: Refused): void {
    const { session, becomeReader, startOver, distrust } = this.#ports
    if (refused.code === 'stale-epoch' && refused.record !== undefined) {
      // Somebody else was first: the seed is dropped, and the winner's entries are read.
      this.recordAppeared(refused.record, true)
    } else if (refused.code === 'write-denied') {
      becomeReader()
    } else if (refused.code === 'limit') {
      session.problems.raise('limit', `the relay refused the document's first content: ${refused.detail}`, 'initial')
      startOver()
    } else {
      distrust(`the relay refused to open the document: ${refused.code}`)
    }
  }

  /** What a rotation would follow: the present epoch, once all of its log is here. */
  #goal(): RotationGoal | SealedError | undefined {
    const { unsent, isStuck } = this.#ports
    const { present } = this
    const phase = this.#ports.phase()
    const { given } = this.#walk
    if (present === undefined) return undefined
    const isAtEnd = this.isAtGivenEnd && phase === 'reading'
    if (phase !== 'live' && !isAtEnd) return undefined
    if (this.#ports.role() === 'read') return new SealedError('write-denied', 'this session may only read', 'rotation')
    // A checkpoint of this document would give to all what a forked history has shown to this device alone.
    if (unsent.hasDisowned) {
      return new SealedError('fork', 'this device holds content that the document does not have', 'rotation')
    }
    if (given !== undefined) {
      const { hash, parsed } = given.epoch
      return { present, head: hash, after: parsed.keyHint, isClosed: true, isForced: false }
    }
    const newestPin = this.#isForced ? this.#pinned.at(-1) : undefined
    const after = newestPin?.parsed.keyHint ?? present.keyHint
    return { present, head: present.hash, after, isClosed: this.isRetired || isStuck(), isForced: this.#isForced }
  }

  #openedOwn({ epoch, state, checkpoint, entries, sequence, hash }: OwnEpoch): void {
    const { inbound, onLeaving, onOwnEntries } = this.#ports
    onLeaving()
    this.#isForced = false
    this.#isReplacing = false
    if (this.#walk.enterOwn(epoch)) {
      onOwnEntries(sequence)
      inbound.receiveOwn(sequence, entries, hash)
      this.#entered(epoch, state)
    } else {
      inbound.begin(epoch, checkpoint)
      this.#loaded(epoch, state, 'void')
    }
  }

  // --- held ---

  /** The relay shows another document than the one known here: nothing is mixed, until a person decides or the relay comes to its senses. */
  #hold(error: SealedError): void {
    this.#isForced = false
    this.stop()
    this.#ports.onHeld(error)
  }

  /** A person has decided to go on with what the relay shows. */
  #force(): void {
    const { onLeaving, onThere, run } = this.#ports
    const last = this.present
    // Nothing shown and nothing known: there is nothing to follow.
    if (this.#isRelayEmpty && last === undefined) return
    this.#isForced = true
    onLeaving()
    if (this.#isRelayEmpty) {
      run(this.#opener.open(last))
      return
    }
    this.#rotations.due()
    if (this.#shown.length === 0) {
      // It shows the epoch that this client is in.
      onThere(true)
      return
    }
    this.#pinned = [...this.#pinned, ...this.#walk.line]
    run(this.#walk.startAnew(this.#shown))
  }
}
