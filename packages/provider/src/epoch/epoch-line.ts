import type { EpochKeys } from '@y-sealed/envelope'
import { equalBytes } from '../hex.ts'
import type { ChainedEpoch } from './chained-epoch.ts'
import type { Epoch } from './epoch.ts'
import { judgeRecords, type RecordsVerdict } from './judge-records.ts'

/** The epochs of a document as this client knows them: those that are held good, and those that the relay has shown to follow. */
export class EpochLine {
  /** Shown and linked, not yet entered. */
  next: readonly ChainedEpoch[] = []
  #held: readonly ChainedEpoch[] = []
  /** Followed the present one and were given up for another: where they begin, the present one's log ends. */
  #passedOver: readonly ChainedEpoch[] = []

  /** Held good, oldest first; the last one is the present epoch. */
  get held(): readonly ChainedEpoch[] {
    return this.#held
  }

  get #all(): readonly ChainedEpoch[] {
    return [...this.#held, ...this.next]
  }

  judge(shown: readonly ChainedEpoch[]): RecordsVerdict {
    return judgeRecords(this.#all, shown)
  }

  /** Older than every epoch that is held good or shown: nothing follows from it any more. */
  isPast({ parsed }: ChainedEpoch): boolean {
    const [oldest] = this.#all
    return oldest !== undefined && parsed.index < oldest.parsed.index
  }

  keysOf({ hash }: ChainedEpoch): EpochKeys | undefined {
    return this.#held.find((each) => equalBytes(each.hash, hash))?.keys
  }

  keysBefore({ parsed }: ChainedEpoch): EpochKeys | undefined {
    return this.#held.find(({ hash }) => equalBytes(hash, parsed.prevRecord))?.keys
  }

  learn({ hash }: ChainedEpoch, keys: EpochKeys): void {
    this.#held = this.#held.map((each) => (equalBytes(each.hash, hash) ? { ...each, keys } : each))
  }

  /** Takes what `judge` found to follow. */
  append({ next, voids }: Extract<RecordsVerdict, { is: 'next' }>): void {
    const all = this.#all
    const kept = all.slice(0, all.length - voids)
    this.#passedOver = [...this.#passedOver, ...all.slice(kept.length)]
    // What was entered is held until the walk gets to the record that gives it up.
    this.next = kept.length >= this.#held.length ? [...kept.slice(this.#held.length), ...next] : next
  }

  /** Those that are held and that it does not follow are given up. */
  accept(chained: ChainedEpoch | Epoch): void {
    const place = this.#held.findLastIndex(({ hash }) => equalBytes(hash, chained.parsed.prevRecord))
    const isLinked = this.#held.length === 0 || place >= 0
    const kept = isLinked ? this.#held.slice(0, place + 1) : this.#held
    for (const { keys } of this.#held.slice(kept.length)) keys?.forget()
    this.#held = [...kept, chained]
    if ('startHash' in chained) this.#passedOver = []
  }

  giveUpHeld(): void {
    for (const { keys } of this.#held) keys?.forget()
    this.#held = []
  }

  /** The session is over: what is known stays. */
  stop(): void {
    this.next = []
    this.#passedOver = []
  }

  /** An epoch was read to where a given-up one began; how much of that one the next has carried over, its checkpoint says. */
  isAtPassedOver({ hash }: Epoch, at: { readonly cursor: number; readonly hash: Uint8Array }): boolean {
    return this.#passedOver.some(
      ({ parsed }) =>
        equalBytes(parsed.prevRecord, hash) &&
        parsed.prevSequence === at.cursor &&
        equalBytes(parsed.prevHash, at.hash),
    )
  }
}
