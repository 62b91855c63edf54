import {
  EnvelopeError,
  EnvelopeKind,
  type Opened,
  openEnvelope,
  parseWitnessBody,
  type Witness,
} from '@y-sealed/envelope'
import type { Clock } from '@y-sealed/key-client'
import { type Entry, hashPrefix, leafHash, nextHash } from '@y-sealed/protocol'
import { parseHeader } from '@y-sealed/protocol/header'
import * as Y from 'yjs'
import type { EpochStart } from '../checkpoint/epoch-start.ts'
import type { Epoch } from '../epoch/epoch.ts'
import { equalBytes } from '../hex.ts'
import { LogState } from '../log-state/log-state.ts'
import type { Problems } from '../problems.ts'
import { rethrowLater } from '../rethrow-later.ts'
import { Intake, type Placed } from './intake.ts'
import { SealerOrder } from './sealer-order.ts'

/** How long a hole of one sealer is waited for before what stands behind it is applied (protocol §3). */
const GAP_PATIENCE_MS = 10_000
/** How many (sequence, H) pairs are kept to compare other sealers' births with (protocol §6). */
const MAX_REMEMBERED_HASHES = 1_024

export interface InboundPorts {
  readonly doc: Y.Doc
  /** Origin of the Yjs transactions, by which the provider knows its own from the user's. */
  readonly origin: object
  readonly logState: LogState
  readonly problems: Problems
  readonly clock: Clock
  /** The salt that this session seals with now: nobody else's entry may carry it. */
  ownSalt(): Uint8Array | undefined
  /** The cursor moved. */
  onProgress(): void
  /** An update has entered the log state, in the log's order. */
  onLogged(update: Uint8Array): void
  /** An entry was taken, and has this many sealed bytes. */
  onTaken(sequence: number, bytes: number): void
  /** A member says what it has seen of the log; where that contradicts what was read here, it was told. */
  onWitness(witness: Witness): void
  /** An append of ours stands in the log, and its ack told the truth. */
  onSettled(): void
  /** Ask the relay for the entries after this sequence again. */
  reread(after: number): void
  /** Content that waited in the document, from elsewhere, was integrated by an entry: it may be missing in the log. */
  onForeignContent(): void
  /** The relay's words do not fit together. */
  onRelayFault(message: string): void
  /** The platform's crypto failed. */
  onOpenFailed(): void
}

type Verdict = Opened | 'unusable' | undefined

/** Entries → updates: brings them in order, opens them, applies them in one transaction per run and moves the cursor. */
export class Inbound {
  readonly #ports: InboundPorts
  #epoch: Epoch | undefined
  #intake = new Intake(0, new Uint8Array(32))
  /** Where the epoch ends, as far as it is known. */
  #end = Number.POSITIVE_INFINITY
  readonly #order: SealerOrder
  readonly #hashes = new Map<number, Uint8Array>()
  /** Sequences whose entry did not open once: read again, and given up if it fails again, whatever its bytes are then. */
  readonly #suspects = new Set<number>()
  #run = 0
  #draining = false
  #isApplying = false
  #isStopped = false
  #gapTimer: unknown

  constructor(ports: InboundPorts) {
    this.#ports = ports
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

  get hasHole(): boolean {
    return this.#intake.hasHole
  }

  /** Entries of a sealer wait for one that is missing: the document is not complete. */
  get isHolding(): boolean {
    return this.#order.isHolding
  }

  /** The last entry that was taken is not the last part of its update: no checkpoint may stand here. */
  get isInParts(): boolean {
    return this.#order.isInParts
  }

  /** Yjs is taking entries: what is changed in this very turn is a consequence of them. */
  get isApplying(): boolean {
    return this.#isApplying
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
    this.#enter(epoch, sequence > epoch.parsed.prevSequence)
    return update === undefined || this.#applyCheckpoint(update)
  }

  /** Goes on into the next epoch from where the present one ends; what waits behind that stays. */
  enter(epoch: Epoch): void {
    this.#intake.hash = epoch.startHash
    this.#suspects.clear()
    // Sealers end with their epoch: what is missing of theirs comes no more.
    if (this.#order.isHolding) this.#apply(this.#giveUp('an epoch ended before an entry of a sealer came'))
    this.#enter(epoch)
  }

  /** Takes nothing behind this sequence: there the epoch ends. Entering another one lifts it. */
  stopAt(sequence: number): void {
    this.#end = sequence
  }

  /** Where the epoch was said to end was in a session that is over. */
  goOn(): void {
    this.#end = Number.POSITIVE_INFINITY
  }

  #enter(epoch: Epoch, isMidway = false): void {
    this.#epoch = epoch
    this.#end = Number.POSITIVE_INFINITY
    this.#order.clear(isMidway)
    this.#hashes.clear()
    this.#remember(this.cursor, this.hash)
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

  /** `update`: what the entries add to the log; undefined for a witness alone. */
  receiveAck(
    lastSequence: number,
    entries: readonly Entry[],
    update: Uint8Array | undefined,
    hashAfter: Uint8Array,
  ): void {
    if (lastSequence - entries.length < this.cursor) {
      this.#ports.onRelayFault(`an ack names sequence ${lastSequence}, which was taken before`)
      return
    }
    this.#intake.placeOwn(lastSequence, entries, { hashAfter, isAcked: true, ...(update && { update }) })
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
  }

  async #drain(): Promise<void> {
    if (this.#draining || this.#epoch === undefined) return
    this.#draining = true
    try {
      for (;;) {
        const life = this.#run
        const run = this.#intake.nextRun(this.#end)
        if (run.length === 0) break
        const verdicts = await Promise.all(run.map((placed) => this.#open(this.#epoch as Epoch, placed)))
        // Meanwhile the connection may be another: these entries come again.
        if (life !== this.#run) continue
        this.#takeRun(run, verdicts)
      }
    } finally {
      this.#draining = false
    }
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

  #takeRun(run: Placed[], verdicts: Verdict[]): void {
    const updates: Uint8Array[] = []
    let settled = 0
    let fault: string | undefined
    let rereadAfter: number | undefined
    for (const [i, placed] of run.entries()) {
      const { entry, sequence, own, hashBefore } = placed
      if (hashBefore !== undefined && !equalBytes(hashBefore, hashPrefix(this.hash))) {
        fault = `the log before sequence ${sequence} is not the one that was read`
        break
      }
      const hash = nextHash(this.hash, leafHash(entry.proof, entry.envelope))
      if (own !== undefined) {
        if (own.hashAfter !== undefined && !equalBytes(own.hashAfter, hashPrefix(hash))) {
          fault = `the ack of sequence ${sequence} does not fit what was sent`
          break
        }
        const { salt, counter } = parseHeader(entry.envelope)
        this.#order.noteOwn(salt, counter)
        if (own.update !== undefined) {
          this.#ports.logState.add(own.update)
          this.#ports.onLogged(own.update)
        }
        if (own.isAcked === true) settled++
      } else if (!this.#takeForeign(placed, verdicts[i], updates)) {
        rereadAfter = sequence - 1
        break
      }
      this.#intake.advance(hash)
      this.#remember(sequence, hash)
      this.#ports.onTaken(sequence, entry.envelope.length)
    }
    if (this.#order.isOverfull) updates.push(...this.#giveUp('more is held back than the limit'))
    this.#apply(updates)
    for (; settled > 0; settled--) this.#ports.onSettled()
    if (rereadAfter !== undefined) {
      this.#intake.forgetForeign()
      this.#ports.reread(rereadAfter)
    }
    if (fault !== undefined) this.#ports.onRelayFault(fault)
  }

  /** False: the entry is not usable as it came; it is read again once. */
  #takeForeign({ sequence }: Placed, verdict: Verdict, updates: Uint8Array[]): boolean {
    const { problems } = this.#ports
    if (verdict === undefined || verdict === 'unusable' || !this.#belongs(verdict)) {
      if (!this.#suspects.delete(sequence)) {
        this.#suspects.add(sequence)
        return false
      }
      problems.raise('tampered', `entry ${sequence} does not open: nothing of it was applied`, 'entry')
      return true
    }
    this.#suspects.delete(sequence)
    const ownSalt = this.#ports.ownSalt()
    if (ownSalt !== undefined && equalBytes(ownSalt, verdict.salt)) {
      problems.raise('tampered', `entry ${sequence} claims to be sealed by this session`, 'entry')
      return true
    }
    this.#compareBirth(verdict, sequence)
    if (verdict.kind === EnvelopeKind.witness) this.#hear(verdict, sequence)
    const accepted = this.#order.accept(verdict)
    if (accepted.replayed) problems.count('replayed')
    else problems.count('opened')
    updates.push(...accepted.updates)
    return true
  }

  /** The log of an epoch holds updates and witnesses of that epoch: another kind was never sent for it. */
  #belongs({ kind, epochIndex }: Opened): boolean {
    return (kind === EnvelopeKind.update || kind === EnvelopeKind.witness) && epochIndex === this.#epoch?.index
  }

  /** A sealer's first envelope names the history it was born in (protocol §3, flag 8). */
  #compareBirth({ birth }: Opened, sequence: number): void {
    if (birth === undefined) return
    const ours = this.#hashes.get(birth.sequence)
    if (ours !== undefined && !equalBytes(ours, birth.hash)) {
      this.#ports.problems.raise(
        'fork',
        `the sealer of entry ${sequence} saw another history at sequence ${birth.sequence}`,
        'entry',
      )
    }
  }

  /** What a member has seen (protocol §7 "Witness"). */
  #hear({ body }: Opened, sequence: number): void {
    const { problems, onWitness } = this.#ports
    try {
      const witness = parseWitnessBody(body)
      const ours = this.#hashes.get(witness.sequence)
      if (ours !== undefined && !equalBytes(ours, witness.hash)) {
        const where = `sequence ${witness.sequence}`
        problems.raise('fork', `the sealer of entry ${sequence} saw another history at ${where}`, 'entry')
      } else {
        onWitness(witness)
      }
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error
      problems.raise('member-fault', 'a witness is not well-formed', 'entry')
    }
  }

  #applyCheckpoint(update: Uint8Array): boolean {
    const { doc, origin, logState, problems, onLogged } = this.#ports
    if (doc.store.clients.size > 0 || pendingOf(doc) !== undefined) return this.#apply([update])
    // Into an empty document: what it then holds is what the checkpoint holds, and need not be decoded a second time.
    let isApplied = false
    this.#isApplying = true
    rethrowLater(() =>
      doc.transact(() => {
        try {
          Y.applyUpdate(doc, update, origin)
          logState.addAll(LogState.of(doc))
          isApplied = true
        } catch (error) {
          problems.raise('member-fault', `a checkpoint is no usable Yjs update (${nameOf(error)})`, 'checkpoint')
        }
      }, origin),
    )
    this.#isApplying = false
    if (isApplied) onLogged(update)
    return isApplied
  }

  /** False: one at least was not usable. */
  #apply(updates: readonly Uint8Array[]): boolean {
    if (updates.length === 0) return true
    const { doc, origin, logState, onForeignContent } = this.#ports
    let isUsable = true
    const pending = pendingOf(doc)
    const noteImplied = (transaction: Y.Transaction): void => {
      // Deletes that waited in the document may come from elsewhere and be missing in the log: then only what is sure is credited.
      if (transaction.origin === origin) logState.addImplied(transaction, pending === undefined)
    }
    doc.on('afterTransaction', noteImplied)
    this.#isApplying = true
    // Yjs calls the app's observers after it has applied everything.
    rethrowLater(() =>
      doc.transact(() => {
        for (const update of updates) isUsable = this.#applyOne(update) && isUsable
      }, origin),
    )
    this.#isApplying = false
    doc.off('afterTransaction', noteImplied)
    if (pending !== undefined && pending !== pendingOf(doc)) onForeignContent()
    return isUsable
  }

  #applyOne(update: Uint8Array): boolean {
    const { doc, origin, logState, problems, onLogged } = this.#ports
    try {
      const decoded = Y.decodeUpdate(update)
      Y.applyUpdate(doc, update, origin)
      logState.addDecoded(decoded)
      onLogged(update)
      return true
    } catch (error) {
      problems.raise('member-fault', `a sealed update is no usable Yjs update (${nameOf(error)})`, 'update')
      return false
    }
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
      this.#apply(this.#giveUp('an entry of a sealer is missing'))
      problems.count('gaps-given-up')
      onProgress()
    }, GAP_PATIENCE_MS)
  }

  #giveUp(why: string): Uint8Array[] {
    this.#ports.problems.raise('gap', `${why}: what stood behind it was applied`, 'entry')
    return this.#order.giveUp()
  }

  #remember(sequence: number, hash: Uint8Array): void {
    this.#hashes.set(sequence, hash)
    const oldest = sequence - MAX_REMEMBERED_HASHES
    if (oldest >= 0) this.#hashes.delete(oldest)
  }
}

/** Its name only: the words of an error may quote content. */
const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'error')

/** What Yjs keeps for later because something before it is missing, by its sizes; undefined if there is nothing. */
function pendingOf({ store }: Y.Doc): string | undefined {
  if (store.pendingStructs === null && store.pendingDs === null) return undefined
  return `${store.pendingStructs?.update.length ?? 0} ${store.pendingDs?.length ?? 0}`
}
