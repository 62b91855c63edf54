import { closeAction } from './close-codes.ts'

/** However large a relay is: who was told more would look for another one. */
export const MAX_RETURN_MS = 60_000

/** A sentence for a close frame that also says within which time its receivers should come back, each at a random moment of it. */
export function withReturnAdvice(sentence: string, withinMs: number): string {
  return `${sentence} (come back within ${Math.min(MAX_RETURN_MS, Math.max(0, Math.round(withinMs)))} ms)`
}

/** Within which time the relay wants this client back; undefined: it has not said so, or the client is not to come back by itself. */
export function returnAdvice({ code, reason }: { code: number; reason: string }): number | undefined {
  const [, digits] = /\(come back within (\d{1,5}) ms\)$/.exec(reason) ?? []
  if (digits === undefined || closeAction(code) !== 'retry') return undefined
  return Math.min(MAX_RETURN_MS, Number(digits))
}
