import type { SealedProvider } from '../provider.ts'
import type { ProblemCode, SealedError } from '../sealed-error.ts'

/** Problems that a document which was never complete does not get over by itself. */
const BARS: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  ...(['key-missing', 'key-invalid', 'key-refused', 'key-unknown', 'key-mismatch', 'rollback'] as const),
  ...(['auth-required', 'authentication-failed', 'session-revoked', 'document-deleted'] as const),
  ...(['initial-failed', 'update-required', 'unsupported'] as const),
])

/** How far a document has got on its way to being complete for the first time. */
export type FirstSync = { readonly settled: Promise<void> } & (
  | { is: 'waiting' | 'synced' }
  | { is: 'barred'; error: SealedError }
)

/** `onSettled` is told before `settled` resolves; that never rejects. */
export function firstSyncOf(provider: SealedProvider, onSettled: () => void): FirstSync {
  let settle: () => void = () => {}
  const settled = new Promise<void>((resolve) => {
    settle = resolve
  })
  const firstSync: { settled: Promise<void>; is: FirstSync['is']; error?: SealedError } = { settled, is: 'waiting' }
  const end = (is: 'synced' | 'barred', error?: SealedError): void => {
    if (firstSync.is !== 'waiting') return
    provider.off('problem', onProblem)
    firstSync.is = is
    if (error !== undefined) firstSync.error = error
    onSettled()
    settle()
  }
  const onProblem = (error: SealedError): void => {
    if (BARS.has(error.code)) end('barred', error)
  }
  provider.on('problem', onProblem)
  provider.whenSynced.then(() => end('synced'))
  return firstSync as FirstSync
}
