import type { ProblemCode, SealedError, SealedProvider } from 'y-sealed'
import { EXIT, Failure, failureOf } from '../failure.ts'

/** The document is whole all the same, or as whole as it gets. What they say is told to whoever asked. */
const WARNINGS: readonly ProblemCode[] = [
  ...(['key-weak', 'key-rotated', 'tampered', 'gap', 'member-fault', 'checkpoint-incomplete', 'pruned'] as const),
]

/** Comes again by itself: waited for until patience ends. */
const PASSING: readonly ProblemCode[] = ['key-unavailable']

export interface Warning {
  readonly code: ProblemCode
  readonly message: string
}

/**
 * Resolves when every entry of the log has been applied, with what was found wrong on the way. Rejects with Failure for whatever a person would have to see to, and
 * after `timeoutMs`.
 */
export async function untilComplete(provider: SealedProvider, timeoutMs: number): Promise<Warning[]> {
  const warnings: Warning[] = []
  let patience: ReturnType<typeof setTimeout> | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      let standing: SealedError | undefined
      provider.on('problem', (error) => {
        if (WARNINGS.includes(error.code)) warnings.push(error)
        else if (PASSING.includes(error.code)) standing = error
        else reject(error)
      })
      provider.on('sync', (isSynced) => {
        if (isSynced) resolve()
      })
      patience = setTimeout(() => {
        reject(standing ?? new Failure('relay-unavailable', 'the document has not come', EXIT.relay))
      }, timeoutMs)
      provider.connect()
    })
  } catch (error) {
    throw failureOf(error)
  } finally {
    clearTimeout(patience)
  }
  return warnings
}
