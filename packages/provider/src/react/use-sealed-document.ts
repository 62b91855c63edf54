import { useEffect, useReducer } from 'react'
import type { SealedProviderOptions } from '../options.ts'
import type { SealedDocument } from './held-document.ts'
import { heldDocument } from './held-documents.ts'

export interface UseSealedDocumentOptions extends Omit<SealedProviderOptions, 'connect' | 'awareness'> {
  /** Renders only what is complete: until then the nearest Suspense shows its fallback, and an error boundary the problem that stands in the way. */
  suspense?: boolean
}

/**
 * The document of a room, and its provider, for as long as a component shows it; components that name the same relay, room and `documentId` share one.
 * `options` count when the document is opened: for others, name another room. With `suspense` it throws a SealedError where the document cannot be
 * opened (`key-refused`, `authentication-failed` …). A document with unsynced edits stays connected after its last component until they are stored.
 */
export function useSealedDocument(
  url: string,
  room: string,
  { suspense = false, ...options }: UseSealedDocumentOptions,
): SealedDocument {
  const [, renderAgain] = useReducer((count: number) => count + 1, 0)
  const held = heldDocument(url, room, options)
  useEffect(() => {
    // Rendered long before it is mounted: it was let go of in between.
    if (held.isGone) renderAgain()
    else return held.retain()
    return undefined
  }, [held])
  if (suspense) held.requireSynced()
  return held
}
