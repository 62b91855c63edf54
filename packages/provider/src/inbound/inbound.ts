import { EnvelopeError, EnvelopeKind, mapInTurns, nextTurn, type Opened, openEnvelope } from '@y-sealed/envelope'
import type { Clock } from '@y-sealed/key-client'
import { type Entry, hashPrefix, leafHash, nextHash } from '@y-sealed/protocol'
import { parseHeader } from '@y-sealed/protocol/header'
import type { EpochStart } from '../checkpoint/epoch-start.ts'
import type { Epoch } from '../epoch/epoch.ts'
import { CHECKPOINT_SEALER } from '../guard/early-deletes.ts'
import { equalBytes, hex, shortName } from '../hex.ts'
import type { KnownPlace } from '../sealed-error.ts'
import { Applier, type ApplierPorts } from './applier.ts'
import { HashDoubt, type LogPlace } from './hash-doubt.ts'
import { Intake, type Placed } from './intake.ts'
import { type LoggedUpdate, SealerOrder } from './sealer-order.ts'
import type { Author, Taken } from './taken.ts'

/** How long a hole of one sealer is waited for before what stands behind it is applied (protocol §3). */
const GAP_PATIENCE_MS = 10_000

/** Entries that are opened, or taken, in one task of a page: some milliseconds of it, and one Yjs transaction or few. */
const PER_TURN = 128

export interface InboundPorts extends Omit<ApplierPorts, 'onFlushed'> {
  readonly clock: Clock
  /** The salt that this session seals with now: nobody else's entry may carry it. */
  ownSalt(): Uint8Array | undefined
  /** The cursor moved. */
  onProgress(): void
  /** The reader stands where it begins to read an epoch. `isAnew`: not behind all that was read before. */
  onBegin(epoch: Epoch, isAnew: boolean): void
  /** What it says is told before it is applied. */
  onTaken(taken: Taken): void
  /** An append of ours stands in the log, and its ack told the truth. */
  onSettled(): void
  /** Ask the relay for the entries after this sequence again. */
  reread(after: number): void
  /** The relay's words do not fit together. */
  onRelayFault(message: string, known?: KnownPlace): void
  /** The platform's crypto failed. */
  onOpenFailed(): void
}

type Verdict = Opened | 'unusable' | undefined

/** Entries → updates: brings them in order, opens them, applies them, some at a time, and moves the cursor. */
export class Inbound {
  readonly #ports: InboundPorts
  #epoch: Epoch | undefined
  #intake = new Intake(0, new Uint8Array(32))
  /** Where the epoch ends, as far as it is known. */
  #end = Number.POSITIVE_INFINITY
  readonly #order: SealerOrder
  readonly #applier: Applier
  /** Sequences whose entry did not open once: read again, and given up if it fails again, whatever its bytes are then. */
  readonly #suspects = new Set<number>()
  readonly #doubt = new HashDoubt()
  #run = 0
  #draining = false
  #isStopped = false
  #gapTimer: unknown

  constructor(ports: InboundPorts) {
    this.#ports = ports
    this.#applier = new Applier({ ...ports, onFlushed: () => ports.onProgress() })
    this.#order = new SealerOrder(() => {
      ports.problems.raise('member-fault', 'the parts of a sealed update do not fit together', 'update')
    })
  }

  get cursor(): number {
    return this.#intake.cursor
  }

  /** H at the cursor, 32 bytes; before an epoch is known, zeros. */
  get hash(): Uint8Array {
    return this.#intake.hash
  }

  /** The last place of which H is sure: where the reader stands, but for what the relay has lost. */
  get sure(): LogPlace {
    return this.#doubt.lastSure ?? { sequence: this.cursor, hash: this.hash }
  }

  get isSure(): boolean {
    return this.#doubt.lastSure === undefined
  }

  /** Whether the relay's word on H (8 bytes) where the reader stands fits what was read. */
  accepts(hash: Uint8Array): boolean {
    return this.#doubt.accepts(hash, hashPrefix(this.hash))
  }

  /** What comes next does not come any more: goes on behind it. False: nothing of this epoch stands there. */
  passHole(): boolean {
    const before = this.sure
    if (!this.#intake.passHole(this.#end)) return false
    this.#doubt.noteHole(before)
    this.drain()
    return true
  }

  /** Where nothing more is to be taken (a checkpoint is on its way, say) there is none, whatever waits. */
  get hasHole(): boolean {
    return this.#intake.hasHole && this.cursor < this.#end
  }

  /** Entries of a sealer wait for one that is missing, or the document is behind what was read: it is not complete. */
  get isHolding(): boolean {
    return this.#order.isHolding || this.#applier.isBehind
  }

  /** What this update says goes out under other ids: if it gets into the log all the same, that is taken back. */
  supersede(update: Uint8Array): void {
    this.#applier.supersede(update)
  }

  /** Why the others would refuse an update of this client; undefined if they would not. */
  refusalOf(update: Uint8Array): string | undefined {
    return this.#applier.refusalOf(update)
  }

  /** The last entry that was taken is not the last part of its update: no checkpoint may stand here. */
  get isInParts(): boolean {
    return this.#order.isInParts
  }

  /** Yjs is taking entries: what is changed in this very turn is a consequence of them. */
  get isApplying(): boolean {
    return this.#applier.isApplying
  }

  get isIdle(): boolean {
    return !this.#draining && this.#intake.isEmpty
  }

  get overflowed(): boolean {
    return this.#intake.overflowed
  }

  /**
   * Starts (again) with a checkpoint of an epoch, or with its empty start. Entries that came before the key stay if nothing was taken yet; else, and
   * where `overflowed` says so, they must be read again. False: what the checkpoint holds is not usable, and nothing of it is counted as read.
   */
  begin(epoch: Epoch, { sequence, hash, update }: EpochStart): boolean {
    const isFirst = this.#epoch === undefined
    if (isFirst) this.#intake.startAt(sequence, hash)
    else this.#intake = new Intake(sequence, hash)
    this.forgetWaiting(isFirst)
    this.#ports.logState.clear()
    this.#doubt.clear()
    this.#applier.clear(false)
    this.#enter(epoch, true, sequence > epoch.parsed.prevSequence)
    const source = { sealer: CHECKPOINT_SEALER, sequence, isRepair: false, isLate: false }
    return update === undefined || this.#applier.apply([{ update, ...source }])
  }

  /** Goes on into the next epoch from where the present one ends; what waits behind that stays. */
  enter(epoch: Epoch): void {
    this.#intake.hash = epoch.startHash
    this.#doubt.clear()
    this.#suspects.clear()
    // Sealers end with their epoch: what is missing of theirs comes no more.
    if (this.#order.isHolding) this.#applier.apply(this.#giveUp('an epoch ended before an entry of a sealer came'))
    this.#applier.clear(true)
    this.#enter(epoch, false)
  }

  /** Takes nothing behind this sequence: there the epoch ends. Entering another one lifts it. */
  stopAt(sequence: number): void {
    this.#end = sequence
  }

  /** Where the epoch was said to end was in a session that is over. */
  goOn(): void {
    this.#end = Number.POSITIVE_INFINITY
  }

  #enter(epoch: Epoch, isAnew: boolean, isMidway = false): void {
    this.#epoch = epoch
    this.#end = Number.POSITIVE_INFINITY
    this.#order.clear(isMidway)
    this.#ports.onBegin(epoch, isAnew)
  }

  /** The connection is new: what waits is sent again from the cursor. */
  forgetWaiting(keepEntries = false): void {
    this.#run++
    this.#suspects.clear()
    if (!keepEntries) this.#intake.forgetWaiting()
  }

  /** The relay is asked again on the same connection. */
  forgetForeign(): void {
    this.#intake.forgetForeign()
  }

  receive(first: number, hashBefore: Uint8Array, entries: readonly Entry[]): void {
    this.#intake.place(first, hashBefore, entries)
    this.drain()
  }

  /** `update`: what the entries add to the log, `isRepair`: as a repair; undefined for a witness alone. */
  receiveAck(
    lastSequence: number,
    entries: readonly Entry[],
    update: Uint8Array | undefined,
    hashAfter: Uint8Array,
    isRepair = false,
  ): void {
    if (lastSequence - entries.length < this.cursor) {
      this.#ports.onRelayFault(`an ack names sequence ${lastSequence}, which was taken before`, {
        sequence: lastSequence,
      })
      return
    }
    this.#intake.placeOwn(lastSequence, entries, { hashAfter, isAcked: true, isRepair, ...(update && { update }) })
    this.drain()
  }

  /** Entries that this client has opened an epoch with: what they hold is known. `hashAfter`: the first 8 bytes of H behind the last of them. */
  receiveOwn(lastSequence: number, entries: readonly Entry[], hashAfter: Uint8Array): void {
    this.#intake.placeOwn(lastSequence, entries, { hashAfter })
    this.drain()
  }

  /** Takes what waits, as far as it can be taken. */
  drain(): void {
    this.#drain().catch(() => {
      if (!this.#isStopped) this.#ports.onOpenFailed()
    })
  }

  stop(): void {
    this.#run++
    this.#isStopped = true
    this.#ports.clock.clearTimeout(this.#gapTimer)
    this.#applier.stop()
  }

  async #drain(): Promise<void> {
    if (this.#draining || this.#epoch === undefined) return
    this.#draining = true
    try {
      while (!this.#isStopped) {
        const life = this.#run
        const epoch = this.#epoch
        const run = this.#intake.nextRun(this.#end)
        if (run.length === 0) break
        const verdicts = await mapInTurns(run, PER_TURN, (placed) => this.#open(epoch, placed))
        for (let from = 0; this.#stands(run[from], life); from += PER_TURN) {
          if (!this.#takeSome(run, verdicts, from)) break
          // A browser may open and apply a whole log within one task.
          if (this.#intake.hasNext(this.#end)) await nextTurn()
        }
      }
    } finally {
      this.#draining = false
    }
    if (this.#isStopped) return
    this.#watchGap()
    this.#ports.onProgress()
  }

  async #open(epoch: Epoch, placed: Placed): Promise<Verdict> {
    if (placed.own !== undefined) return undefined
    try {
      return await openEnvelope(epoch.keys, placed.entry.envelope)
    } catch (error) {
      if (error instanceof EnvelopeError) return 'unusable'
      throw error
    }
  }

  /** Whether it is still what comes next: the connection may be another by now. */
  #stands(placed: Placed | undefined, life: number): boolean {
    return life === this.#run && placed?.sequence === this.cursor + 1
  }

  /** Those of the run from there on that one turn takes. False: what follows must come again. */
  #takeSome(run: readonly Placed[], verdicts: readonly Verdict[], from: number): boolean {
    let updates: LoggedUpdate[] = []
    let settled = 0
    let fault: { message: string; sequence: number } | undefined
    let rereadAfter: number | undefined
    for (const [at, placed] of run.slice(from, from + PER_TURN).entries()) {
      const i = from + at
      const { entry, sequence, own, hashBefore } = placed
      // The epoch's end may have become known since the run began.
      if (sequence > this.#end) break
      if (hashBefore !== undefined && !this.accepts(hashBefore)) {
        fault = { message: `the log before sequence ${sequence} is not the one that was read`, sequence: sequence - 1 }
        break
      }
      const hash = nextHash(this.hash, leafHash(entry.proof, entry.envelope))
      let author: Author | undefined
      if (own !== undefined) {
        if (own.hashAfter !== undefined && !this.#doubt.accepts(own.hashAfter, hashPrefix(hash))) {
          fault = { message: `the ack of sequence ${sequence} does not fit what was sent`, sequence }
          break
        }
        const { salt, counter, kind } = parseHeader(entry.envelope)
        author = { salt, kind, opened: undefined }
        this.#order.noteOwn(salt, counter)
        if (own.update !== undefined) {
          // What stands before it in the log counts before it.
          this.#applier.apply(updates)
          updates = []
          const { update, isRepair = false } = own
          this.#applier.noteOwn({ update, sealer: hex(salt), sequence, isRepair, isLate: false })
        }
        if (own.isAcked === true) settled++
      } else {
        const opened = this.#judge(placed, verdicts[i], updates)
        if (opened === 'again') {
          this.#suspectRest(run, verdicts, i + 1)
          rereadAfter = sequence - 1
          break
        }
        if (opened !== undefined) {
          updates.push(...this.#accept(opened, sequence))
          author = { salt: opened.salt, kind: opened.kind, opened }
        }
      }
      this.#intake.advance(hash)
      this.#ports.onTaken({
        sequence,
        hash: this.isSure ? hash : undefined,
        bytes: entry.envelope.length,
        from: author,
      })
    }
    if (this.#order.isOverfull) updates.push(...this.#giveUp('more is held back than the limit'))
    this.#applier.apply(updates)
    for (; settled > 0; settled--) this.#ports.onSettled()
    if (rereadAfter !== undefined) {
      this.#intake.forgetForeign()
      this.#ports.reread(rereadAfter)
    }
    if (fault !== undefined) this.#ports.onRelayFault(fault.message, fault)
    return rereadAfter === undefined && fault === undefined
  }

  /** What a foreign entry says. `again`: it is not usable as it came, and is read once more; undefined: nor is it then. */
  #judge({ sequence, entry }: Placed, verdict: Verdict, updates: LoggedUpdate[]): Opened | 'again' | undefined {
    const { problems } = this.#ports
    if (!this.#isUsable(verdict)) {
      if (!this.#suspects.delete(sequence)) {
        this.#suspects.add(sequence)
        return 'again'
      }
      problems.raise('tampered', `entry ${sequence} does not open: nothing of it was applied`, 'entry', { sequence })
      this.#doubt.noteDamage(this.sure)
      updates.push(...this.#passOver(entry.envelope))
      return undefined
    }
    this.#suspects.delete(sequence)
    const ownSalt = this.#ports.ownSalt()
    if (ownSalt !== undefined && equalBytes(ownSalt, verdict.salt)) {
      const known = { sequence, sealer: shortName(verdict.salt) }
      problems.raise('tampered', `entry ${sequence} claims to be sealed by this session`, 'entry', known)
      return undefined
    }
    return verdict
  }

  /** Whatever stood there does not come any more. */
  #passOver(envelope: Uint8Array): LoggedUpdate[] {
    try {
      const { salt, counter } = parseHeader(envelope)
      return this.#order.noteUnusable(salt, counter)
    } catch {
      return []
    }
  }

  /** In its sealer's order; the updates that may be applied now. */
  #accept(opened: Opened, sequence: number): readonly LoggedUpdate[] {
    const { updates, replayed } = this.#order.accept(opened, sequence)
    this.#ports.problems.count(replayed ? 'replayed' : 'opened')
    return updates
  }

  /** Whatever else of this run does not open comes again with the same question: garbage in bulk is not asked for piece by piece. */
  #suspectRest(run: readonly Placed[], verdicts: readonly Verdict[], from: number): void {
    for (const [i, { sequence, own }] of run.entries()) {
      if (i >= from && own === undefined && !this.#isUsable(verdicts[i])) this.#suspects.add(sequence)
    }
  }

  #isUsable(verdict: Verdict): verdict is Opened {
    return verdict !== undefined && verdict !== 'unusable' && this.#belongs(verdict)
  }

  /** The log of an epoch holds updates and witnesses of that epoch: another kind was never sent for it. */
  #belongs({ kind, epochIndex }: Opened): boolean {
    return (kind === EnvelopeKind.update || kind === EnvelopeKind.witness) && epochIndex === this.#epoch?.index
  }

  #watchGap(): void {
    const { clock, problems, onProgress } = this.#ports
    if (!this.#order.isHolding || this.#isStopped) {
      clock.clearTimeout(this.#gapTimer)
      this.#gapTimer = undefined
      return
    }
    this.#gapTimer ??= clock.setTimeout(() => {
      this.#gapTimer = undefined
      if (!this.#order.isHolding) return
      this.#applier.apply(this.#giveUp('an entry of a sealer is missing'))
      problems.count('gaps-given-up')
      onProgress()
    }, GAP_PATIENCE_MS)
  }

  #giveUp(why: string): LoggedUpdate[] {
    const missing = this.#order.missing
    const what = missing === undefined ? '' : `, entry ${missing.counter} of sealer ${missing.sealer} first`
    this.#ports.problems.raise('gap', `${why}${what}: what stood behind it was applied`, 'entry', missing)
    return this.#order.giveUp()
  }
}
