/** The network is there again, the page was shown again (from the back/forward cache, too), or its tab is looked at: in Node never. Returns what ends it. */
export function onPageAwake(awake: () => void): () => void {
  const page = typeof document === 'undefined' ? undefined : document
  const looked = (): void => {
    if (page?.visibilityState === 'visible') awake()
  }
  globalThis.addEventListener?.('online', awake)
  globalThis.addEventListener?.('pageshow', awake)
  page?.addEventListener?.('visibilitychange', looked)
  return () => {
    globalThis.removeEventListener?.('online', awake)
    globalThis.removeEventListener?.('pageshow', awake)
    page?.removeEventListener?.('visibilitychange', looked)
  }
}
