import { EnvelopeError, EnvelopeKind, joinParts, type Opened } from '@y-sealed/envelope'
import type { Source } from '../guard/early-deletes.ts'
import { hex, shortName } from '../hex.ts'

/** What may be held back for a document (protocol §3): beyond it, what waits is handed over with its hole. */
const MAX_HELD_ENTRIES = 1_024
const MAX_HELD_BYTES = 4 * 1024 * 1024
/** Whose entries do not open is the relay's word: more of it is not kept, and what waits for the others waits its time. */
const MAX_UNUSABLE = 1_024

/** An entry, and where it stands in the log. */
interface Placed {
  readonly opened: Opened
  readonly sequence: number
}

interface SealerState {
  next: number
  /** Counters that were given up; a late original is still taken. */
  readonly missing: Set<number>
  readonly held: Map<number, Placed>
  /** The parts of an update whose last part has not come. */
  parts: Opened[]
}

/** A Yjs update of the log, and who put it where. */
export interface LoggedUpdate extends Source {
  readonly update: Uint8Array
}

export interface Accepted {
  /** Yjs updates that may be applied now, in order. */
  readonly updates: LoggedUpdate[]
  /** The entry had been seen before: it applies nothing. */
  readonly replayed: boolean
  /** The entry waits for an earlier one of its sealer. */
  readonly held: boolean
}

const REPLAYED: Accepted = { updates: [], replayed: true, held: false }
const HELD: Accepted = { updates: [], replayed: false, held: true }

/**
 * Gapless order per sealer, below Yjs (protocol §3 "Reader"). State is made only from envelopes whose tag has verified. A hole holds back its own
 * sealer only; one relay that drops a single envelope would otherwise make Yjs merge its pending structs again at every later update.
 */
export class SealerOrder {
  readonly #sealers = new Map<string, SealerState>()
  readonly #onUnusable: () => void
  /** Entries that did not open, as their headers call them. */
  readonly #unusable = new Set<string>()
  #isMidway = false
  #isInParts = false
  #heldEntries = 0
  #heldBytes = 0

  /** `onUnusable`: parts that make no update; a member sealed them, the relay cannot have. */
  constructor(onUnusable: () => void) {
    this.#onUnusable = onUnusable
  }

  get isHolding(): boolean {
    return this.#heldEntries > 0
  }

  /** What is waited for, of one sealer the first: its counter, and where in the log the entry stands that shows it. */
  get missing(): { readonly sealer: string; readonly counter: number; readonly sequence: number } | undefined {
    for (const { held, next } of this.#sealers.values()) {
      const [waiting] = held.values()
      if (waiting !== undefined)
        return { sealer: shortName(waiting.opened.salt), counter: next, sequence: waiting.sequence }
    }
    return undefined
  }

  /** The entry that came last is followed by another part of its update. */
  get isInParts(): boolean {
    return this.#isInParts
  }

  get isOverfull(): boolean {
    return this.#heldEntries > MAX_HELD_ENTRIES || this.#heldBytes > MAX_HELD_BYTES
  }

  /** `sequence`: where the entry stands in the log. */
  accept(opened: Opened, sequence: number): Accepted {
    this.#isInParts = opened.more
    const placed = { opened, sequence }
    const sealer = this.#sealer(opened.salt, this.#isMidway ? opened.counter : 1)
    this.#passUnusable(sealer, opened.salt)
    if (opened.counter < sealer.next) {
      if (!sealer.missing.delete(opened.counter)) return REPLAYED
      return { updates: this.#take(sealer, placed, true), replayed: false, held: false }
    }
    if (opened.counter > sealer.next) {
      if (sealer.held.has(opened.counter)) return REPLAYED
      sealer.held.set(opened.counter, placed)
      this.#heldEntries++
      this.#heldBytes += opened.body.length
      return HELD
    }
    const updates = this.#take(sealer, placed)
    sealer.next++
    this.#passUnusable(sealer, opened.salt)
    this.#releaseFollowing(sealer, updates)
    return { updates, replayed: false, held: false }
  }

  /**
   * An entry that claims to be this one's does not open, and never will: nothing waits for it (protocol §3). The updates that may be applied now; should
   * the claim be a lie, the true one is a late original.
   */
  noteUnusable(salt: Uint8Array, counter: number): LoggedUpdate[] {
    if (this.#unusable.size < MAX_UNUSABLE) this.#unusable.add(nameOf(salt, counter))
    const updates: LoggedUpdate[] = []
    const sealer = this.#sealers.get(hex(salt))
    if (sealer !== undefined && this.#passUnusable(sealer, salt)) this.#releaseFollowing(sealer, updates)
    return updates
  }

  /**
   * Our own entry was acked. What its sealer appended after it, and what was never acked because the connection broke, comes back as anybody's:
   * it must not wait for this one.
   */
  noteOwn(salt: Uint8Array, counter: number): void {
    const sealer = this.#sealer(salt, 1)
    sealer.next = Math.max(sealer.next, counter + 1)
  }

  /** Gives up waiting: everything held, in counter order; the holes are remembered. */
  giveUp(): LoggedUpdate[] {
    const updates: LoggedUpdate[] = []
    for (const sealer of this.#sealers.values()) {
      for (const counter of [...sealer.held.keys()].sort((a, b) => a - b)) {
        for (; sealer.next < counter; sealer.next++) sealer.missing.add(sealer.next)
        // Parts on the two sides of a hole make no update.
        sealer.parts = []
        this.#releaseFollowing(sealer, updates)
      }
    }
    return updates
  }

  /** `isMidway`: what comes next stands behind a checkpoint, and the first counter seen of each sealer is its start. */
  clear(isMidway = false): void {
    this.#isMidway = isMidway
    this.#isInParts = false
    this.#unusable.clear()
    this.#sealers.clear()
    this.#heldEntries = 0
    this.#heldBytes = 0
  }

  #sealer(salt: Uint8Array, first: number): SealerState {
    const id = hex(salt)
    let sealer = this.#sealers.get(id)
    if (sealer === undefined) {
      sealer = { next: first, missing: new Set(), held: new Map(), parts: [] }
      this.#sealers.set(id, sealer)
    }
    return sealer
  }

  /** True if it goes on behind one or more that did not open. */
  #passUnusable(sealer: SealerState, salt: Uint8Array): boolean {
    const before = sealer.next
    for (; this.#unusable.delete(nameOf(salt, sealer.next)); sealer.next++) {
      sealer.missing.add(sealer.next)
      // Parts on the two sides of a hole make no update.
      sealer.parts = []
    }
    return sealer.next > before
  }

  #releaseFollowing(sealer: SealerState, updates: LoggedUpdate[]): void {
    for (let placed = sealer.held.get(sealer.next); placed !== undefined; placed = sealer.held.get(sealer.next)) {
      sealer.held.delete(sealer.next)
      this.#heldEntries--
      this.#heldBytes -= placed.opened.body.length
      updates.push(...this.#take(sealer, placed))
      sealer.next++
      this.#passUnusable(sealer, placed.opened.salt)
    }
  }

  /** Witnesses count in the same stream (leaving one out is a gap) but carry no update. */
  #take(sealer: SealerState, { opened, sequence }: Placed, isLate = false): LoggedUpdate[] {
    const { parts } = sealer
    const isPart = opened.more || opened.continues
    const logged = (update: Uint8Array): LoggedUpdate[] => [
      { update, sealer: hex(opened.salt), sequence, isRepair: opened.repair, isLate },
    ]
    if (opened.kind !== EnvelopeKind.update || opened.continues !== parts.length > 0) {
      // A first part where a later one should be, or the other way round: neither makes an update.
      if (isPart || parts.length > 0) this.#onUnusable()
      sealer.parts = opened.more && !opened.continues ? [opened] : []
      return isPart || opened.kind !== EnvelopeKind.update ? [] : logged(opened.body)
    }
    if (!isPart) return logged(opened.body)
    parts.push(opened)
    if (opened.more) return []
    sealer.parts = []
    try {
      return logged(joinParts(parts))
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error
      this.#onUnusable()
      return []
    }
  }
}

const nameOf = (salt: Uint8Array, counter: number): string => `${hex(salt)} ${counter}`
