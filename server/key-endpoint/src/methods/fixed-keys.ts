import type { KeyMethod } from './key-method.ts'
import { createKey } from './new-key.ts'

export const FIXED = 'fixed'

/** One random key per document for ever, whatever the hint (TinyMCE, Encryption setup, method 3). It cannot be rotated. */
export const fixedKeys: KeyMethod = {
  name: FIXED,
  weakness:
    'one leaked key opens a document for ever: nothing can be rotated, and a member who was removed keeps on reading',
  make: () => ({ keyHint: '', origin: FIXED, secret: createKey() }),
}
