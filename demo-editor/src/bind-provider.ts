import { keyEndpoint, SealedProvider } from 'y-sealed'
import type * as Y from 'yjs'
import type { Access } from './access.ts'

/** All that a Yjs editor needs to become end-to-end encrypted. */
export function bindProvider(doc: Y.Doc, documentName: string, access: Access, initial?: (doc: Y.Doc) => void) {
  const keys = keyEndpoint(access.keysUrl, {
    headers: async () => ({ authorization: `Bearer ${await access.keysToken()}` }),
  })
  const token = access.relayToken
  return new SealedProvider(access.relayUrl, documentName, doc, { keys, token, ...(initial && { initial }) })
}
