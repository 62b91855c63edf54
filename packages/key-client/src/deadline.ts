import type { Clock } from './clock.ts'
import { KeyError } from './key-error.ts'

export interface Deadline {
  readonly clock: Clock
  readonly timeoutMs: number
  /** What the caller gives up with; its reason is not passed on. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Runs `work` and settles with it, or with `key-unavailable` at the deadline or when the signal aborts, whether or not
 * `work` heeds the signal it is given. A throw of `work` is a rejection, a thenable is awaited.
 */
export async function withDeadline<T>(
  work: (signal: AbortSignal) => PromiseLike<T> | T,
  { clock, timeoutMs, signal }: Deadline,
): Promise<T> {
  if (signal?.aborted) throw givenUp()
  const controller = new AbortController()
  let timer: unknown
  let onAbort: (() => void) | undefined
  const stopped = new Promise<never>((_, reject) => {
    timer = clock.setTimeout(() => reject(timedOut(timeoutMs)), timeoutMs)
    onAbort = () => reject(givenUp())
    signal?.addEventListener('abort', onAbort)
  })
  try {
    return await Promise.race([Promise.resolve(controller.signal).then(work), stopped])
  } finally {
    clock.clearTimeout(timer)
    if (onAbort) signal?.removeEventListener('abort', onAbort)
    controller.abort()
  }
}

function timedOut(timeoutMs: number): KeyError {
  return new KeyError('key-unavailable', `no answer within ${timeoutMs} ms`)
}

function givenUp(): KeyError {
  return new KeyError('key-unavailable', 'the request was given up by its caller', {
    fault: 'caller',
    retryable: false,
  })
}
