import { recordPrefix } from '@y-sealed/protocol/header'
import { isZero } from './bytes.ts'
import { malformed, parsing, unsupported } from './envelope-error.ts'
import { MAX_KEY_HINT_UNITS, NONCE_BYTES } from './epoch-keys.ts'
import { reader } from './reader.ts'
import { parseText } from './text.ts'

/** A parsed epoch record (protocol §4). Parsed is not verified: see `verifyEpochRecord`. */
export interface EpochRecord {
  version: 1
  suite: 1
  stretch: 0 | 1
  index: number
  endpointEpoch?: number
  keyHint: string
  nonce: Uint8Array
  ext: Uint8Array
  epochId: Uint8Array
  /** recordHash of the epoch before; zeros at index 0, like everything named prev. */
  prevRecord: Uint8Array
  prevSequence: number
  prevHash: Uint8Array
  prevCheckpoint: Uint8Array
  /** Hash of the epoch's first checkpoint; zeros for an empty document. */
  checkpoint: Uint8Array
  linkTag: Uint8Array
  selfTag: Uint8Array
}

export const TAG_BYTES = 32

// The endpoint's number is written plus one, and both are varints up to 2^53 - 1.
export const MAX_ENDPOINT_EPOCH = Number.MAX_SAFE_INTEGER - 1

// A hint's bytes are counted in UTF-8: 256 UTF-16 units have at most 768.
const MAX_KEY_HINT_BYTES = 3 * MAX_KEY_HINT_UNITS

/** Parses an epoch record strictly. Throws EnvelopeError `malformed` or `unsupported`. */
export function parseEpochRecord(bytes: Uint8Array): EpochRecord {
  const prefix = parsing(() => recordPrefix(bytes))
  const { suite, stretch, index } = prefix
  if (suite !== 1) throw unsupported(`suite ${suite}`)
  if (stretch !== 0 && stretch !== 1) throw unsupported(`stretch ${stretch}`)
  const read = reader(bytes, 'epoch record', prefix.bytes)
  const endpointEpochPlusOne = read.varint()
  const keyHint = parseHint(read.lengthPrefixed(MAX_KEY_HINT_BYTES))
  const nonce = read.fixed(NONCE_BYTES)
  if (read.lengthPrefixed(0xffff).length > 0) throw unsupported('ext is reserved')
  const record: EpochRecord = {
    version: 1,
    suite,
    stretch,
    index,
    ...(endpointEpochPlusOne > 0 && { endpointEpoch: endpointEpochPlusOne - 1 }),
    keyHint,
    nonce,
    ext: new Uint8Array(0),
    epochId: read.hash(),
    prevRecord: read.hash(),
    prevSequence: read.varint(),
    prevHash: read.hash(),
    prevCheckpoint: read.hash(),
    checkpoint: read.hash(),
    linkTag: read.fixed(TAG_BYTES),
    selfTag: read.fixed(TAG_BYTES),
  }
  read.end()
  checkBeginning(record)
  return record
}

/** Nothing comes before index 0, and every other record is linked to one before. */
function checkBeginning(record: EpochRecord): void {
  const { index, prevRecord, prevSequence, prevHash, prevCheckpoint, linkTag } = record
  if (index > 0) {
    if (isZero(linkTag) || isZero(prevRecord)) throw malformed('a later epoch record without its link')
    return
  }
  const empty = prevSequence === 0 && [prevRecord, prevHash, prevCheckpoint, linkTag].every(isZero)
  if (!empty) throw malformed('the first epoch record names one before it')
}

function parseHint(bytes: Uint8Array): string {
  let hint: string
  try {
    hint = parseText(bytes)
  } catch {
    throw malformed('keyHint is not UTF-8')
  }
  if (hint.length > MAX_KEY_HINT_UNITS) throw malformed('keyHint too long')
  return hint
}
