import type { Clock } from './clock.ts'
import { KeyError } from './key-error.ts'

/** Long enough that a reconnecting provider does not hammer an endpoint that said no, short enough to be given access. */
const REMEMBERED_MS = 30_000

/** Hints come from an untrusted relay, which must not fill memory with ones that are unknown. */
const MAX_REMEMBERED = 100

export interface Refusals {
  find(question: string): KeyError | undefined
  remember(question: string, error: KeyError): void
  clear(): void
}

/** The negative cache: `key-refused` and `key-unknown` are answered from here for 30 s. */
export function createRefusals(clock: Clock): Refusals {
  const byQuestion = new Map<string, { error: KeyError; at: number }>()
  return {
    find(question) {
      const known = byQuestion.get(question)
      if (!known) return undefined
      const leftMs = REMEMBERED_MS - Math.abs(clock.now() - known.at)
      if (leftMs > 0) return new KeyError(known.error.code, known.error.message, { retryAfterMs: leftMs })
      byQuestion.delete(question)
      return undefined
    },
    remember(question, error) {
      if (error.code !== 'key-refused' && error.code !== 'key-unknown') return
      byQuestion.delete(question)
      for (const oldest of byQuestion.keys()) {
        if (byQuestion.size < MAX_REMEMBERED) break
        byQuestion.delete(oldest)
      }
      byQuestion.set(question, { error, at: clock.now() })
    },
    clear: () => byQuestion.clear(),
  }
}
