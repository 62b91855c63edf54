import { KeyServerError } from '../key-server-error.ts'
import { type GlobalKeys, newestGlobalKey } from './global-keys.ts'
import { createHkdf } from './hkdf.ts'
import type { KeptSecret, KeyMethod } from './key-method.ts'
import { createKey, createKeyHint } from './new-key.ts'

const PREFIX = 'derived:'

/**
 * Keys derived from a list of global keys and a random salt per key, which never leaves the server (TinyMCE, Encryption
 * setup, method 1). Neither list nor salts alone open anything; a salt that is shredded takes its key along.
 */
export function derivedKeys(globalKeys: GlobalKeys): KeyMethod {
  const { name } = newestGlobalKey(globalKeys)
  return {
    name: 'derived',
    globalKeys,
    make: () => ({ keyHint: createKeyHint(), origin: `${PREFIX}${name}`, secret: createKey() }),
  }
}

export function isDerived(origin: string): boolean {
  return origin.startsWith(PREFIX)
}

/** @throws KeyServerError `global-key-missing` */
export function derivedKey(
  { documentId, keyHint, origin, secret }: KeptSecret,
  globalKeys: GlobalKeys | undefined,
): string {
  return createHkdf(globalKeyOf(origin, globalKeys), secret, 'derived', documentId, keyHint)
}

/** The global key that a key was derived from. @throws KeyServerError `global-key-missing` */
export function globalKeyOf(origin: string, globalKeys: GlobalKeys | undefined): Buffer {
  const name = origin.slice(PREFIX.length)
  const key = globalKeys?.get(name)
  if (!key)
    throw new KeyServerError(
      'global-key-missing',
      `keys were derived from the global key ${name}, which is not in the list`,
    )
  return key
}
