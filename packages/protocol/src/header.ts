import { ProtocolError } from './errors.ts'

export type { ProtocolErrorCode } from './errors.ts'
export { ProtocolError } from './errors.ts'

/** The low nibble of an envelope's first byte (protocol §3). Kinds 5 and 6 never travel to a relay. */
export const EnvelopeKind = { update: 1, checkpoint: 2, awareness: 3, witness: 4, local: 5, crossTab: 6 } as const
export type EnvelopeKind = (typeof EnvelopeKind)[keyof typeof EnvelopeKind]

/** The public part of an envelope: `version|kind (1) ‖ varint epoch index ‖ salt (16) ‖ varint counter`. */
export interface Header {
  version: 1
  kind: EnvelopeKind
  epochIndex: number
  salt: Uint8Array
  counter: number
  /** Length of the header in bytes; the ciphertext starts there. */
  headerBytes: number
}

export const HEADER_VERSION = 1
export const SALT_BYTES = 16

// Protocol §1: an index fits a signed 32-bit integer, a counter stays far below what one AES-GCM key may carry.
export const MAX_EPOCH_INDEX = 2 ** 31 - 1
export const MAX_COUNTER = 2 ** 24

// flags + codec are in every plaintext, and AES-GCM adds a 16-byte tag: less than this holds no envelope.
export const MIN_SEALED_BYTES = 2 + 16

/** Parses the public header of an envelope. Throws ProtocolError `malformed` or `unsupported`. */
export function parseHeader(envelope: Uint8Array): Header {
  const first = envelope[0]
  if (first === undefined) throw new ProtocolError('malformed', 'empty envelope')
  if (first >> 4 !== HEADER_VERSION) throw new ProtocolError('unsupported', `envelope version ${first >> 4}`)
  const kind = first & 0x0f
  if (!isEnvelopeKind(kind)) throw new ProtocolError('unsupported', `envelope kind ${kind}`)
  const index = readVarint(envelope, 1, MAX_EPOCH_INDEX)
  const saltEnd = index.end + SALT_BYTES
  if (saltEnd > envelope.length) throw new ProtocolError('malformed', 'envelope ends inside its salt')
  const counter = readVarint(envelope, saltEnd, MAX_COUNTER)
  if (counter.value === 0) throw new ProtocolError('malformed', 'counters start at 1')
  if (envelope.length - counter.end < MIN_SEALED_BYTES) throw new ProtocolError('malformed', 'envelope too short')
  return {
    version: HEADER_VERSION,
    kind,
    epochIndex: index.value,
    salt: envelope.slice(index.end, saltEnd),
    counter: counter.value,
    headerBytes: counter.end,
  }
}

/** The inverse of `parseHeader`. Throws RangeError for values that no header can hold. */
export function encodeHeader(fields: Pick<Header, 'kind' | 'epochIndex' | 'salt' | 'counter'>): Uint8Array {
  const { kind, epochIndex, salt, counter } = fields
  if (!isEnvelopeKind(kind)) throw new RangeError('unknown envelope kind')
  if (!(epochIndex <= MAX_EPOCH_INDEX)) throw new RangeError('epoch index out of range')
  if (salt.length !== SALT_BYTES) throw new RangeError('a salt has 16 bytes')
  if (!(counter >= 1 && counter <= MAX_COUNTER)) throw new RangeError('counter out of range')
  const index = encodeVarint(epochIndex)
  const count = encodeVarint(counter)
  const header = new Uint8Array(1 + index.length + SALT_BYTES + count.length)
  header[0] = (HEADER_VERSION << 4) | kind
  header.set(index, 1)
  header.set(salt, 1 + index.length)
  header.set(count, 1 + index.length + SALT_BYTES)
  return header
}

export function isEnvelopeKind(value: number): value is EnvelopeKind {
  return Number.isInteger(value) && value >= EnvelopeKind.update && value <= EnvelopeKind.crossTab
}

/** The start of an epoch record (protocol §4), as much of it as a relay reads. `bytes` is the length of that start. */
export interface RecordPrefix {
  version: 1
  suite: number
  stretch: number
  index: number
  bytes: number
}

/** Parses the start of an epoch record. Suite and stretch are the members' business and are returned unchecked. */
export function recordPrefix(record: Uint8Array): RecordPrefix {
  const [version, suite, stretch] = record
  if (version === undefined || suite === undefined || stretch === undefined) {
    throw new ProtocolError('malformed', 'epoch record too short')
  }
  if (version !== 1) throw new ProtocolError('unsupported', `epoch record version ${version}`)
  const index = readVarint(record, 3, MAX_EPOCH_INDEX)
  return { version: 1, suite, stretch, index: index.value, bytes: index.end }
}

/**
 * The key hint of an epoch record: what its key is called at the endpoint. Public, and nothing that a relay acts upon; an
 * operator who wants to know which keys are still needed asks for it. Throws ProtocolError.
 */
export function recordKeyHint(record: Uint8Array): string {
  const endpointEpoch = readVarint(record, recordPrefix(record).bytes)
  const [high, low] = record.subarray(endpointEpoch.end)
  if (high === undefined || low === undefined) throw new ProtocolError('malformed', 'epoch record ends before its hint')
  const start = endpointEpoch.end + 2
  const end = start + high * 256 + low
  if (end > record.length) throw new ProtocolError('malformed', 'epoch record ends inside its hint')
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(record.subarray(start, end))
  } catch {
    throw new ProtocolError('malformed', 'a key hint is well-formed UTF-8')
  }
}

/**
 * Reads lib0's unsigned varint (little-endian groups of 7 bits) at `offset`; `end` is the offset after it. Only the shortest
 * form is accepted, so that equal values have equal bytes. The bytes end at `bytesEnd`. Throws ProtocolError `malformed`.
 */
export function readVarint(
  bytes: Uint8Array,
  offset: number,
  max: number = Number.MAX_SAFE_INTEGER,
  bytesEnd: number = bytes.length,
): { value: number; end: number } {
  let value = 0
  // Multiplication, not shifts: a JavaScript shift is 32 bits wide.
  for (let weight = 1, at = offset; weight <= max; weight *= 128) {
    const byte = at < bytesEnd ? bytes[at++] : undefined
    if (byte === undefined) throw new ProtocolError('malformed', 'bytes end inside a varint')
    value += (byte & 0x7f) * weight
    if (value > max) break
    if (byte < 0x80) {
      if (byte === 0 && weight > 1) throw new ProtocolError('malformed', 'varint is not minimal')
      return { value, end: at }
    }
  }
  throw new ProtocolError('malformed', 'varint too large')
}

/** Writes a non-negative safe integer as lib0's unsigned varint. */
export function encodeVarint(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('a varint is a non-negative safe integer')
  const bytes: number[] = []
  let rest = value
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  bytes.push(rest)
  return Uint8Array.from(bytes)
}
