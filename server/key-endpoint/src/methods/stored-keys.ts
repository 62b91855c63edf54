import { parseKeyAnswer } from '@y-sealed/key-client/contract'
import type { KeyMethod } from './key-method.ts'
import { createKey, createKeyHint } from './new-key.ts'

export const STORED = 'stored'

/** A random key for each epoch of each document, stored. The default. */
export const storedKeys: KeyMethod = {
  name: STORED,
  make: () => ({ keyHint: createKeyHint(), origin: STORED, secret: createKey() }),
}

/** A key and the hint that names it, for this document and for ever; a missing hint is `""`. */
export type Generate = (documentId: string) => PromiseLike<GeneratedKey> | GeneratedKey

export interface GeneratedKey {
  readonly key: string
  readonly keyHint?: string
}

/** Keys that the app makes, stored as they are. Rejects with a ContractError for what no client could use. */
export function generatedKeys(generate: Generate): KeyMethod {
  return {
    name: 'generate',
    async make(documentId) {
      const { key, keyHint = '' } = parseKeyAnswer(await generate(documentId))
      return { keyHint, origin: STORED, secret: key }
    },
  }
}
