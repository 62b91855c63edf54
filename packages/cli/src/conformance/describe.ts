import { createHmac, randomBytes } from 'node:crypto'
import { membersOf } from './dialect.ts'
import type { Exchange } from './exchange.ts'

/** Four bytes tell the keys of one run apart, and with a secret of this process nobody can test guesses against them. */
const FINGERPRINT_DIGITS = 8
const fingerprintSecret = randomBytes(32)

/** `key 3f2a91c0 of 43 units`: the same for the same key within one run, and worthless after it. */
export function describeKey(key: string): string {
  const mac = createHmac('sha256', fingerprintSecret).update(key, 'utf16le').digest('hex')
  return `key ${mac.slice(0, FINGERPRINT_DIGITS)} of ${key.length} units`
}

/** Status and what kind of body it is; names nothing that the endpoint made up. */
export function describe({ status, headers, body }: Exchange): string {
  const members = membersOf(jsonOf(body))
  const keys = [members.key, members.secret].filter((key) => typeof key === 'string').map(describeKey)
  if (keys.length > 0) return `${status} with ${keys.join(' and ')}`
  const isRedirect = status >= 300 && status < 400 && headers.location !== undefined
  return `${status} ${isRedirect ? 'with a Location' : 'without a key'}`
}

/** The JSON of a body in UTF-8, undefined if it is none. A byte order mark is passed over, as clients do. */
export function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    return undefined
  }
}

/** Nothing that is asked of a header is longer. */
const MAX_HEADER_UNITS = 100

/** A header's value as one printable line; a long one is not cut, since half a key would not be known for one. */
export function describeHeader(value: string | string[] | undefined): string {
  if (value === undefined) return 'none'
  const text = String(value)
  return text.length > MAX_HEADER_UNITS ? `${text.length} characters` : text.replace(/[^\x20-\x7e]/g, '?')
}
