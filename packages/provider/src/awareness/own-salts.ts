import type * as Y from 'yjs'

/** Several providers of one document speak for one client: what one has sealed, another hears. */
const salts = new WeakMap<Y.Doc, Set<string>>()

/** The salts, as hex, under which awareness of this document was sealed in this page. */
export function ownSaltsOf(doc: Y.Doc): Set<string> {
  const known = salts.get(doc)
  if (known !== undefined) return known
  const own = new Set<string>()
  salts.set(doc, own)
  return own
}
