import { type KeySource, keyEndpoint, SealedProvider, type SealedProviderOptions } from 'y-sealed'
import { sealedIndexedDB } from 'y-sealed/indexeddb'
import type * as Y from 'yjs'
import type { Access } from './access.ts'
import { keyInAddress } from './document-address.ts'

/** All that a Yjs editor needs to become end-to-end encrypted. */
export function bindProvider(
  doc: Y.Doc,
  documentName: string,
  access: Access,
  options: Omit<SealedProviderOptions, 'keys' | 'token'> = {},
): SealedProvider {
  return new SealedProvider(access.relayUrl, documentName, doc, {
    ...options,
    keys: keysOf(access),
    token: access.relayToken,
    // What is typed offline outlives the tab; each person of this browser has a copy of their own.
    persistence: sealedIndexedDB({ account: access.name }),
  })
}

export function keysOf({ keyIn, keysUrl, keysToken }: Access): KeySource {
  if (keyIn === 'link') return keyInAddress()
  return keyEndpoint(keysUrl, { headers: async () => ({ authorization: `Bearer ${await keysToken()}` }) })
}
