import type { Down, Refused } from '@y-sealed/protocol'
import * as Y from 'yjs'
import { emptyStart } from '../checkpoint/epoch-load.ts'
import type { EpochStart } from '../checkpoint/epoch-start.ts'
import type { ChainedEpoch } from '../epoch/chained-epoch.ts'
import type { Epoch, KeyState } from '../epoch/epoch.ts'
import { EpochOpener, type WonOpening } from '../epoch/epoch-opener.ts'
import type { EpochWalk } from '../epoch/epoch-walk.ts'
import { errorName } from '../error-name.ts'
import type { History } from '../history/history.ts'
import { rethrowLater } from '../rethrow-later.ts'
import { Rotations } from '../rotation/rotations.ts'
import type { OwnEpoch, RotationGoal } from '../rotation/rotator.ts'
import { type ProblemCode, SealedError } from '../sealed-error.ts'
import type { EpochsPorts } from './epochs.ts'

/** What `rotateKey` was asked for, beyond a new key (protocol §5, §6). */
export interface RotationOptions {
  /** The newest epoch's key is lost: give that epoch up, and follow the last one whose key can be had. */
  readonly replace?: boolean
  /** The relay shows another document than the one known here: follow what it shows, and bring what this device holds. */
  readonly force?: boolean
}

/** The key of an epoch is gone, for everybody (protocol §5). */
const LOST: readonly ProblemCode[] = ['key-unknown', 'key-mismatch', 'key-invalid']

export interface OwnEpochsPorts extends Omit<EpochsPorts, 'onRetired' | 'onUnretired' | 'onHeld' | 'isContradicted'> {
  readonly walk: EpochWalk
  readonly history: History
  /** Epoch records that the relay has shown in this session, oldest first. */
  shown(): readonly ChainedEpoch[]
  /** It has no epoch of this document at all. */
  isRelayEmpty(): boolean
  /** Read as far as an epoch goes whose successor was given up. */
  isAtGivenEnd(): boolean
  /** The endpoint may be asked what it holds of the present key. */
  askAgain(): void
  /** Somebody else's record came with a refusal. */
  onRecord(record: Uint8Array): void
  onContradicted(error: SealedError): void
  /** `isAnother`: than the one that was there before, if there was any. */
  onBegun(epoch: Epoch, state: KeyState, isAnother: boolean): void
  /** This client has opened the epoch that it enters. */
  onOpened(): void
  /** Its log goes on where the reader stands. */
  onEntered(epoch: Epoch, state: KeyState): void
  /** It has begun with its checkpoint, in place of what was read before. */
  onLoaded(epoch: Epoch, state: KeyState, start: EpochStart): void
}

/** Epochs that this client opens: a document's first, the next one, and what a person has decided to put in another's place. */
export class OwnEpochs {
  readonly opener: EpochOpener
  readonly rotations: Rotations
  readonly #ports: OwnEpochsPorts
  /** Held good until a person gave them up: their numbers and hints stay used. */
  #pinned: readonly ChainedEpoch[] = []
  /** A person has decided to go on with what the relay shows: it is read, and only followed by an epoch of this client's own. */
  #isForced = false
  /** A person has given up the newest epoch. */
  #isReplacing = false

  constructor(ports: OwnEpochsPorts) {
    this.#ports = ports
    const { session, requests, logState, inbound, walk, onRecord, onContradicted } = ports
    this.opener = new EpochOpener({
      ...session,
      ...requests,
      onContradicted,
      onWon: (won) => this.#won(won),
      onRefused: (refused) => this.#refused(refused),
      onSeedFailed: (error) => {
        const message = `the option initial threw (${errorName(error)}): nothing was opened`
        ports.halt(session.problems.raise('initial-failed', message, 'initial'))
      },
    })
    this.rotations = new Rotations({
      ...session,
      ...requests,
      logState,
      reader: () => ({ cursor: inbound.cursor, hash: inbound.hash, isWhole: !inbound.isHolding && inbound.isSure }),
      known: () => [...this.#pinned, ...walk.line, ...ports.shown()],
      openLog: (epoch, sequence) => ports.history.openEpoch(epoch.index, sequence),
      goal: () => this.#goal(),
      onBegin: () => ports.checkpoints.yield(),
      askAgain: () => ports.askAgain(),
      onRecord,
      onOpened: (opened) => this.#opened(opened),
      onContradicted,
    })
  }

  get isForced(): boolean {
    return this.#isForced
  }

  /** What the relay owes an answer to, and how far it has got; undefined while it owes nothing. */
  get owed(): string | undefined {
    return this.rotations.owed ?? (this.opener.isWaiting ? 'epoch' : undefined)
  }

  /** True if the message answered something that was asked here. */
  takes(message: Down): boolean {
    return this.opener.takes(message) || this.rotations.takes(message)
  }

  /** Resolves with the next epoch, whoever opens it; waits while the session is not live. */
  rotate({ replace = false, force = false }: RotationOptions): Promise<Epoch> {
    const { session, phase, run } = this.#ports
    if (force && phase() === 'held') this.force()
    // A key that is slow to come, or that this member may not have, is no lost key.
    const isLost = LOST.some((code) => code === session.keyDesk.standing?.code)
    if (replace && isLost && phase() === 'keying') run(this.#replace())
    return this.rotations.wish()
  }

  /** A person has decided to go on with what the relay shows. */
  force(): void {
    const { walk, shown, onLeaving, onThere, run } = this.#ports
    const isRelayEmpty = this.#ports.isRelayEmpty()
    const last = walk.epoch
    // Nothing shown and nothing known: there is nothing to follow.
    if (isRelayEmpty && last === undefined) return
    this.#isForced = true
    onLeaving()
    if (isRelayEmpty) {
      run(this.opener.open(last))
      return
    }
    this.rotations.due()
    if (shown().length === 0) {
      // It shows the epoch that this client is in.
      onThere(true)
      return
    }
    this.#pinned = [...this.#pinned, ...walk.line]
    run(walk.startAnew(shown()))
  }

  /** What a person had decided is void: the relay shows yet another document. */
  unforce(): void {
    this.#isForced = false
  }

  async #replace(): Promise<void> {
    this.#isReplacing = true
    if (await this.#ports.walk.giveUpNewest()) return
    this.#isReplacing = false
    this.rotations.end(new SealedError('key-unknown', 'there is no other epoch whose key can be had', 'epoch'))
  }

  /** Somebody else has opened what was to be opened here. */
  superseded(): void {
    this.#isForced = false
    this.#isReplacing = false
    this.rotations.superseded()
  }

  /** The session is over: what is under way comes too late. What a person has forced is done in the next one. */
  stop(): void {
    if (this.#isReplacing) {
      this.#isReplacing = false
      this.rotations.end(new SealedError('interrupted', 'the session ended before the epoch was replaced', 'epoch'))
    }
    this.rotations.pause()
    this.opener.abandon()
  }

  destroy(): void {
    for (const { keys } of this.#pinned) keys?.forget()
  }

  #won({ epoch, state, sealer, seed, entries, sequence, hash }: WonOpening): void {
    const { session, inbound, writing, walk, checkpoints, onBegun, onOwnEntries, onThere } = this.#ports
    const isAnother = walk.epoch !== undefined
    if (isAnother) writing.unsent.isHealing = true
    this.#isForced = false
    this.#ports.onOpened()
    walk.beginOwn(epoch)
    checkpoints.entered(epoch)
    writing.sealer.use(sealer)
    onBegun(epoch, state, isAnother)
    if (seed !== undefined) {
      rethrowLater(() => Y.applyUpdate(session.doc, seed, session.origin))
      inbound.receiveAck(sequence, entries, seed, hash)
    }
    onOwnEntries(sequence)
    onThere(false)
  }

  #refused(refused: Refused): void {
    const { session, writing, onRecord, startOver, distrust } = this.#ports
    if (refused.code === 'stale-epoch' && refused.record !== undefined) {
      // Somebody else was first: the seed is dropped, and the winner's entries are read.
      onRecord(refused.record)
    } else if (refused.code === 'write-denied') {
      writing.role = 'read'
    } else if (refused.code === 'limit') {
      session.problems.raise('limit', `the relay refused the document's first content: ${refused.detail}`, 'initial')
      startOver()
    } else {
      distrust(`the relay refused to open the document: ${refused.code}`)
    }
  }

  /** What a rotation would follow: the present epoch, once all of its log is here. */
  #goal(): RotationGoal | SealedError | undefined {
    const { walk, checkpoints } = this.#ports
    const { role, unsent, obstacle } = this.#ports.writing
    const { epoch: present, given } = walk
    const phase = this.#ports.phase()
    if (present === undefined) return undefined
    const isAtEnd = this.#ports.isAtGivenEnd() && phase === 'reading'
    if (phase !== 'live' && !isAtEnd) return undefined
    if (role === 'read') return new SealedError('write-denied', 'this session may only read', 'rotation')
    // A checkpoint of this document would give to all what a forked history has shown to this device alone.
    if (unsent.hasDisowned) {
      return new SealedError('fork', 'this device holds content that the document does not have', 'rotation')
    }
    if (given !== undefined) {
      const { hash, parsed } = given.epoch
      const { checkpoint } = present.parsed
      return { present, head: hash, checkpoint, after: parsed.keyHint, isClosed: true, isForced: false }
    }
    const newestPin = this.#isForced ? this.#pinned.at(-1) : undefined
    return {
      present,
      head: present.hash,
      checkpoint: checkpoints.known.base?.checkpoint ?? present.parsed.checkpoint,
      after: newestPin?.parsed.keyHint ?? present.keyHint,
      isClosed: this.rotations.isDue || obstacle !== undefined,
      isForced: this.#isForced,
    }
  }

  #opened({ epoch, state, checkpoint, checkpointBytes, entries, sequence, hash }: OwnEpoch): void {
    const { inbound, walk, checkpoints, onLeaving, onOwnEntries, onEntered, onLoaded } = this.#ports
    onLeaving()
    this.#isForced = false
    this.#isReplacing = false
    this.#ports.onOpened()
    if (walk.enterOwn(epoch)) {
      onOwnEntries(sequence)
      inbound.receiveOwn(sequence, entries, hash)
      onEntered(epoch, state)
    } else {
      const start = { ...emptyStart(epoch), checkpoint: epoch.parsed.checkpoint, update: checkpoint }
      inbound.begin(epoch, start)
      onLoaded(epoch, state, start)
    }
    if (checkpoint !== undefined) checkpoints.weighed(epoch, checkpointBytes)
  }
}
