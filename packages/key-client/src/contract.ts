/**
 * What a key endpoint is asked and what it answers (protocol §5): types and strict parsers, no network, no cryptography,
 * nothing else of ours, so that an endpoint can import it alone.
 */
import { toBase64url } from './base64url.ts'
import { isWellFormed } from './well-formed.ts'

/** The envelope's length prefixes and the relay's limits agree on it (protocol §1). Counted in UTF-8. */
export const MAX_DOCUMENT_ID_BYTES = 1024

/** What integrators' databases were promised for the hint column (protocol §1). Counted in UTF-16 units. */
export const MAX_KEY_HINT_UNITS = 256

/** More than any key needs; what is longer is a mistake or an attack (protocol §2). Counted in UTF-8. */
export const MAX_KEY_BYTES = 64 * 1024

/** As bytes a key is as long as AES-128's or AES-256's; other lengths are a mistake. */
const KEY_BYTE_LENGTHS = [16, 32]

/**
 * A recordHash is 32 bytes: 43 characters of base64url without padding, of which the last has two bits that mean nothing
 * and must be zero. Else one hash would have four spellings, and the comparison of two would cry fork.
 */
const RECORD_HASH = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

export interface KeyRequest {
  /** 1 to 1,024 bytes of UTF-8. */
  readonly documentId: string
  /** Names the key wanted, `""` included; null asks for the key to start an epoch with. At most 256 UTF-16 units. */
  readonly keyHint: string | null
  /** With a null hint: the hint to leave. An endpoint that cannot rotate answers 400 and is asked again without. */
  readonly after?: string
  /** With a hint: base64url of the recordHash that stands for it. An endpoint that keeps none answers 400. */
  readonly record?: string
}

export interface KeyAnswer {
  /** The document key, byte-exact, never normalised. Non-empty, well-formed, at most 64 KiB of UTF-8. */
  readonly key: string
  /** Counts only in the answer to a null hint; missing or null is `""`. At most 256 UTF-16 units. */
  readonly keyHint?: string
  /** The endpoint's own number of this key, rising; a safe integer from 0. */
  readonly epoch?: number
  /** False: read with it, do not write, rotate. Missing is true. */
  readonly active?: boolean
  /** base64url of the first recordHash reported for this hint; null: the endpoint keeps such hashes and has none yet. */
  readonly record?: string | null
}

/** Says which part is wrong, what was expected and the type that was found, never what it contained. */
export class ContractError extends Error {
  override readonly name = 'ContractError'
  readonly code = 'malformed'
  readonly part: string

  constructor(part: string, expected: string, found: unknown) {
    super(`${part}: expected ${expected}, got ${kindOf(found)}`)
    this.part = part
  }
}

const REQUEST_MEMBERS = new Set(['documentId', 'keyHint', 'after', 'record'])

/**
 * A request as an endpoint receives it. An unknown member is refused: it may be a question that this version would
 * answer wrongly by ignoring it.
 * @throws ContractError
 */
export function parseKeyRequest(value: unknown): KeyRequest {
  const members = parseObject('request', value)
  for (const name of Object.keys(members)) {
    if (!REQUEST_MEMBERS.has(name)) throw new ContractError('request', 'only members of the contract', 'another')
  }
  const { documentId, keyHint, after, record } = members
  if (after !== undefined && keyHint !== null) throw new ContractError('after', 'none beside a keyHint', after)
  if (record !== undefined && keyHint === null) throw new ContractError('record', 'none without a keyHint', record)
  return {
    documentId: parseDocumentId(documentId),
    keyHint: keyHint === null ? null : parseKeyHint('keyHint', keyHint),
    ...(after === undefined ? {} : { after: parseKeyHint('after', after) }),
    ...(record === undefined ? {} : { record: parseRecordHash(record) }),
  }
}

/**
 * An answer as a client receives it. Unknown members are ignored: endpoints pass their own along. A function may answer a
 * key of 16 or 32 bytes as Uint8Array: it is the key that their base64url is.
 * @throws ContractError
 */
export function parseKeyAnswer(value: unknown): KeyAnswer {
  const { key, keyHint, epoch, active, record } = parseObject('answer', value)
  return {
    key: parseKey(key),
    ...(keyHint === undefined || keyHint === null ? {} : { keyHint: parseKeyHint('keyHint', keyHint) }),
    ...(epoch === undefined || epoch === null ? {} : { epoch: parseEpoch(epoch) }),
    ...(active === undefined || active === null ? {} : { active: parseActive(active) }),
    ...(record === undefined ? {} : { record: record === null ? null : parseRecordHash(record) }),
  }
}

/** @throws ContractError */
export function parseDocumentId(value: unknown): string {
  const expected = `1 to ${MAX_DOCUMENT_ID_BYTES} bytes of well-formed text`
  if (typeof value !== 'string' || value === '' || !isText(value, MAX_DOCUMENT_ID_BYTES)) {
    throw new ContractError('documentId', expected, value)
  }
  return value
}

/** @throws ContractError that names `part` */
export function parseKeyHint(part: string, value: unknown): string {
  if (typeof value !== 'string' || value.length > MAX_KEY_HINT_UNITS || !isWellFormed(value)) {
    throw new ContractError(part, `well-formed text of at most ${MAX_KEY_HINT_UNITS} UTF-16 units`, value)
  }
  return value
}

function parseKey(value: unknown): string {
  if (value instanceof Uint8Array && KEY_BYTE_LENGTHS.includes(value.length)) return toBase64url(value)
  if (typeof value !== 'string' || value === '' || !isText(value, MAX_KEY_BYTES)) {
    throw new ContractError('key', `1 to ${MAX_KEY_BYTES} bytes of well-formed text, or 16 or 32 bytes`, value)
  }
  return value
}

function parseEpoch(value: unknown): number {
  // The epoch record stores the number plus one, so the largest safe integer itself does not fit.
  if (typeof value !== 'number' || !Number.isSafeInteger(value + 1) || value < 0) {
    throw new ContractError('epoch', 'a safe integer from 0', value)
  }
  return value
}

function parseActive(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new ContractError('active', 'true or false', value)
  return value
}

function parseRecordHash(value: unknown): string {
  if (typeof value !== 'string' || !RECORD_HASH.test(value)) {
    throw new ContractError('record', '32 bytes in base64url', value)
  }
  return value
}

function parseObject(part: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ContractError(part, 'an object', value)
  }
  // Any object may be read by name; each member is then parsed as unknown.
  return value as Record<string, unknown>
}

function isText(value: string, maxBytes: number): boolean {
  // A UTF-16 unit is at least one byte of UTF-8: an oversized string is refused before it is copied.
  return value.length <= maxBytes && isWellFormed(value) && new TextEncoder().encode(value).length <= maxBytes
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (value === '') return 'an empty string'
  return typeof value === 'string' ? `a string of ${value.length} units` : typeof value
}
