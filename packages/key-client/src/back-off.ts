import type { Clock } from './clock.ts'
import { KeyError } from './key-error.ts'

/** The first wait; a restart of the endpoint is over soon after. */
const FIRST_DELAY_MS = 500

/** The longest wait of our own choosing: an endpoint that is back should be noticed while people still look. */
const LONGEST_DELAY_MS = 30_000

export interface BackOff {
  /** The end of the wait for the last failure; at once if there was none. Rejects with `key-unavailable` on abort. */
  wait(signal: AbortSignal): Promise<void>
  /** Doubles the wait. `retryAfterMs`, the endpoint's own wish, is a lower bound. */
  failed(retryAfterMs?: number): void
  succeeded(): void
}

/** Between attempts, with jitter: a thousand editors that lost one endpoint must not come back in one second. */
export function createBackOff(clock: Clock, random: () => number): BackOff {
  let failures = 0
  let delayMs = 0
  let failedAt = 0

  return {
    async wait(signal) {
      if (signal.aborted) throw forgotten()
      const sinceMs = clock.now() - failedAt
      // A wall clock that was set back must not stretch the wait, hence no less than zero has passed.
      const leftMs = delayMs - Math.max(sinceMs, 0)
      if (leftMs > 0) await sleep(leftMs, clock, signal)
    },
    failed(retryAfterMs = 0) {
      const ceilingMs = Math.min(FIRST_DELAY_MS * 2 ** failures, LONGEST_DELAY_MS)
      failures++
      failedAt = clock.now()
      delayMs = Math.max(ceilingMs / 2 + (random() * ceilingMs) / 2, retryAfterMs)
    },
    succeeded() {
      failures = 0
      delayMs = 0
    },
  }
}

function sleep(delayMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clock.clearTimeout(timer)
      reject(forgotten())
    }
    const timer = clock.setTimeout(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    }, delayMs)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

function forgotten(): KeyError {
  return new KeyError('key-unavailable', 'the key ring was told to forget', { fault: 'caller', retryable: false })
}
