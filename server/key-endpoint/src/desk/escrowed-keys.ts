import type { KeyStore } from '../store/key-store.ts'
import type { ImportedKey } from './imported-keys.ts'

/** A key as an escrow file has it, which is what `import` takes. */
export type EscrowedKey = ImportedKey

/** The keys of a document that can be had, oldest first: imported in that order they get numbers in that order. */
export async function keysForEscrow(store: KeyStore, documentId: string): Promise<EscrowedKey[]> {
  const keys: EscrowedKey[] = []
  for (const { keyHint } of await store.list(documentId)) {
    const found = await store.find(documentId, keyHint)
    if (found)
      keys.push({ documentId, keyHint: found.keyHint, key: found.key, isActive: found.active, record: found.record })
  }
  return keys
}
