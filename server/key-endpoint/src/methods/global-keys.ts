import { createHash } from 'node:crypto'
import { KeyServerError } from '../key-server-error.ts'
import { parseSecretKey } from '../secret-key.ts'

/** By name, the newest first: new keys are derived from the first, old ones from that which they were made with. */
export type GlobalKeys = ReadonlyMap<string, Buffer>

/** Enough to tell the keys of a list apart. */
const NAME_CHARACTERS = 11

/**
 * A list as a file has it: one key a line, 32 bytes in base64 each, the newest first; empty lines and lines that begin with # count for nothing.
 * @throws KeyServerError `global-keys-invalid`, which says which line, never what is in it
 */
export function parseGlobalKeys(text: string): GlobalKeys {
  const keys = new Map<string, Buffer>()
  for (const [index, line] of text.split('\n').entries()) {
    const entry = line.trim()
    if (entry === '' || entry.startsWith('#')) continue
    const key = parseSecretKey(entry)
    if (typeof key === 'string') throw invalid(`line ${index + 1} ${key}`)
    keys.set(nameOf(key), key)
  }
  if (keys.size === 0) throw invalid('there is none')
  return keys
}

export function newestGlobalKey(keys: GlobalKeys): { name: string; key: Buffer } {
  for (const [name, key] of keys) return { name, key }
  throw invalid('there is none')
}

function nameOf(key: Buffer): string {
  return createHash('sha256')
    .update('y-sealed/key-endpoint/v1/global-key-name')
    .update(key)
    .digest('base64url')
    .slice(0, NAME_CHARACTERS)
}

const invalid = (why: string) => new KeyServerError('global-keys-invalid', `the list of global keys: ${why}`)
