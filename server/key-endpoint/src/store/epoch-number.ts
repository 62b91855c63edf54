/** So fine that no store can make keys durable faster than the numbers of the clock go by, and safe until the year 2255. */
const NUMBERS_PER_MS = 1_000

/**
 * The number of a document's next key: the time, or one more than the last where a clock has gone back. A counter alone
 * would give numbers out twice after a restore from an old backup, and clients, which hold an endpoint to numbers that do
 * not fall (protocol §4), could not tell the lost key from the new one. The time is above every number that was given out
 * before, also above those that nobody remembers.
 */
export function nextEpoch(last: number, nowMs: number): number {
  return Math.max(last + 1, nowMs * NUMBERS_PER_MS)
}
