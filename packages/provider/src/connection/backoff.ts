/** The first wait: long enough that a restarting relay is not hit at once by everybody. */
const FIRST_WAIT_MS = 100

/**
 * How long to wait before attempt n (0 = first failure): exponential, capped, with full jitter over its upper half, so that the clients
 * of a relay that restarted do not come back in one wave.
 */
export function backoffMs(failures: number, maxMs: number, random: () => number): number {
  const ceiling = Math.min(maxMs, FIRST_WAIT_MS * 2 ** Math.min(failures, 20))
  return ceiling / 2 + (random() * ceiling) / 2
}
