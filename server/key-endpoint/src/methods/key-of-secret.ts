import { KeyServerError } from '../key-server-error.ts'
import { derivedKey, isDerived } from './derived-keys.ts'
import { FIXED } from './fixed-keys.ts'
import type { GlobalKeys } from './global-keys.ts'
import type { KeptSecret } from './key-method.ts'
import { SALTED, saltedKey } from './salted-keys.ts'
import { STORED } from './stored-keys.ts'

/**
 * The key that a client is answered.
 * @throws KeyServerError `global-key-missing`, `store-unsupported`
 */
export function keyOfSecret(kept: KeptSecret, globalKeys: GlobalKeys | undefined): string {
  if (kept.origin === STORED || kept.origin === FIXED) return kept.secret
  if (kept.origin === SALTED) return saltedKey(kept)
  if (isDerived(kept.origin)) return derivedKey(kept, globalKeys)
  throw new KeyServerError('store-unsupported', 'a key was made in a way that this version does not know')
}
