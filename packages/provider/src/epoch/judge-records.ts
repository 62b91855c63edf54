import { equalBytes } from '../hex.ts'
import type { ChainedEpoch } from './chained-epoch.ts'

/** What the records that a relay shows mean for who holds `held` good, oldest first (protocol §4 "Accept iff"). Tags are for later: they need keys. */
export type RecordsVerdict =
  /** Nothing new. */
  | { readonly is: 'known' }
  /** `next` follow one another; the first follows the newest held one, or `voids` those held after the one that it follows. */
  | { readonly is: 'next'; readonly next: readonly ChainedEpoch[]; readonly voids: number }
  /** They do not lead to the newest that is held good, nor can they take its place. */
  | { readonly is: 'unlinked' }
  /** They contradict themselves. */
  | { readonly is: 'wrong'; readonly why: string }

/**
 * Follows the newest shown record back, by the hashes that each one names of the one before, to what is held. Without anything held, to the
 * first shown: whoever has never been here takes the relay's word for where the document begins.
 */
export function judgeRecords(held: readonly ChainedEpoch[], shown: readonly ChainedEpoch[]): RecordsVerdict {
  const next: ChainedEpoch[] = []
  let at = shown.length - 1
  for (let epoch = shown[at]; epoch !== undefined; epoch = shown[at]) {
    const place = held.findIndex(({ hash }) => equalBytes(hash, epoch.hash))
    if (place >= 0) return judgeLine(held, place, next)
    next.unshift(epoch)
    const { prevRecord } = epoch.parsed
    const before = held.findIndex(({ hash }) => equalBytes(hash, prevRecord))
    if (before >= 0) return judgeLine(held, before, next)
    if (at === 0) break
    at = shown.findLastIndex(({ hash }, i) => i < at && equalBytes(hash, prevRecord))
  }
  if (next.length === 0) return { is: 'known' }
  if (at === 0 && held.length === 0) return judgeLine([], -1, next)
  return held.length === 0 ? { is: 'wrong', why: 'a record between two others is missing' } : { is: 'unlinked' }
}

function judgeLine(held: readonly ChainedEpoch[], place: number, next: readonly ChainedEpoch[]): RecordsVerdict {
  if (next.length === 0) return { is: 'known' }
  const newest = held.at(-1)?.parsed.index ?? -1
  const line = [...held.slice(0, place + 1), ...next]
  const first = next[0]
  const voids = held.length - 1 - place
  const isRising = first === undefined || first.parsed.index > newest
  const why = isRising ? contradiction(line, held.slice(place + 1)) : 'the index does not rise'
  if (why === undefined) return { is: 'next', next, voids }
  // Beside what is held, as after a backup was restored, and not in its place.
  return voids > 0 ? { is: 'unlinked' } : { is: 'wrong', why }
}

/** A hint that was used before names a key that a removed member may have: nobody honest opens an epoch with it. */
function contradiction(line: readonly ChainedEpoch[], voided: readonly ChainedEpoch[]): string | undefined {
  const hints = new Set(voided.map(({ parsed }) => parsed.keyHint))
  let index = -1
  let number = -1
  for (const { parsed } of line) {
    if (parsed.index <= index) return 'the index does not rise'
    if (hints.has(parsed.keyHint)) return 'a key hint comes twice'
    const { endpointEpoch = number } = parsed
    if (endpointEpoch < number) return "the key endpoint's number falls"
    hints.add(parsed.keyHint)
    index = parsed.index
    number = endpointEpoch
  }
  return undefined
}
