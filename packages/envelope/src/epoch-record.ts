import { encodeVarint, MAX_EPOCH_INDEX } from '@y-sealed/protocol/header'
import { engine } from '#engine'
import { concat, equalBytes, isZero, lengthPrefixed } from './bytes.ts'
import { misuse } from './envelope-error.ts'
import type { EpochKeys } from './epoch-keys.ts'
import { label } from './label.ts'
import { MAX_ENDPOINT_EPOCH, parseEpochRecord, TAG_BYTES } from './parse-epoch-record.ts'
import { HASH_BYTES } from './plaintext.ts'
import { encodeText } from './text.ts'

/** What the opener of an epoch decides. At index 0 nothing came before; above it everything but `checkpoint` is required. */
export interface EpochRecordFields {
  index: number
  /** The key endpoint's own number of this key, if it has told one. */
  endpointEpoch?: number
  /** recordHash of the epoch that this one follows. */
  prevRecord?: Uint8Array
  /** The keys of that epoch: the link is made with them. */
  previousKeys?: EpochKeys
  /** Where that epoch's log ends: its last sequence and the running hash there. */
  prevSequence?: number
  prevHash?: Uint8Array
  /** Hash of a checkpoint from which that epoch's log can be read; zeros if it had none. */
  prevCheckpoint?: Uint8Array
  /** Hash of this epoch's first checkpoint; absent for an empty document. */
  checkpoint?: Uint8Array
}

const ZERO_HASH = new Uint8Array(HASH_BYTES)

/** Makes the public record of the epoch whose keys these are (protocol §4). Throws EnvelopeError `caller`. */
export async function createEpochRecord(keys: EpochKeys, fields: EpochRecordFields): Promise<Uint8Array> {
  const { index, previousKeys } = fields
  checkFields(keys, fields)
  const { suite, stretch, keyHint, nonce, ext } = keys.parameters
  const untagged = concat(
    Uint8Array.of(1, suite, stretch),
    encodeVarint(index),
    encodeVarint(fields.endpointEpoch === undefined ? 0 : fields.endpointEpoch + 1),
    lengthPrefixed(encodeText(keyHint)),
    nonce,
    lengthPrefixed(ext),
    keys.epochId,
    fields.prevRecord ?? ZERO_HASH,
    encodeVarint(fields.prevSequence ?? 0),
    fields.prevHash ?? ZERO_HASH,
    fields.prevCheckpoint ?? ZERO_HASH,
    fields.checkpoint ?? ZERO_HASH,
  )
  const linkTag = previousKeys ? await previousKeys.linkTag(tagged(keys, untagged)) : ZERO_HASH
  const linked = concat(untagged, linkTag)
  return concat(linked, await keys.selfTag(tagged(keys, linked)))
}

/**
 * True if the record was made by a holder of `keys` and, where `previousKeys` are given, by a holder of those: epochId first,
 * then selfTag, then linkTag, each in constant time. Whether the record is the one to follow (prevRecord, index, endpoint
 * epoch) is for the caller to say. Throws EnvelopeError `malformed` or `unsupported`.
 */
export async function verifyEpochRecord(
  keys: EpochKeys,
  bytes: Uint8Array,
  previousKeys?: EpochKeys,
): Promise<boolean> {
  const record = parseEpochRecord(bytes)
  if (!equalBytes(record.epochId, keys.epochId)) return false
  const linked = bytes.subarray(0, bytes.length - TAG_BYTES)
  if (!equalBytes(record.selfTag, await keys.selfTag(tagged(keys, linked)))) return false
  if (previousKeys === undefined) return true
  if (record.index === 0) return false
  const untagged = linked.subarray(0, linked.length - TAG_BYTES)
  return equalBytes(record.linkTag, await previousKeys.linkTag(tagged(keys, untagged)))
}

/** SHA-256 of the record: the one name of an epoch in pins and joins. */
export const recordHash = (record: Uint8Array): Uint8Array => engine.sha256(record)

/** What both tags are over: bound to the document, which the public record does not name. */
const tagged = (keys: EpochKeys, bytes: Uint8Array): Uint8Array =>
  concat(label('record'), lengthPrefixed(encodeText(keys.documentId)), bytes)

function checkFields(keys: EpochKeys, fields: EpochRecordFields): void {
  const { index, endpointEpoch, previousKeys, prevRecord, prevSequence, prevHash, prevCheckpoint, checkpoint } = fields
  if (!isCount(index, MAX_EPOCH_INDEX)) throw misuse('index out of range')
  if (endpointEpoch !== undefined && !isCount(endpointEpoch, MAX_ENDPOINT_EPOCH)) {
    throw misuse('endpointEpoch out of range')
  }
  for (const hash of [prevRecord, prevHash, prevCheckpoint, checkpoint]) {
    if (hash !== undefined && hash.length !== HASH_BYTES) throw misuse(`a hash has ${HASH_BYTES} bytes`)
  }
  const previous = [previousKeys, prevRecord, prevSequence, prevHash, prevCheckpoint]
  if (index === 0 && previous.some((field) => field !== undefined)) throw misuse('nothing comes before index 0')
  if (index === 0) return
  if (previous.includes(undefined)) throw misuse('above index 0 a record names what came before')
  if (prevRecord === undefined || isZero(prevRecord)) throw misuse('prevRecord is empty')
  if (!isCount(prevSequence, Number.MAX_SAFE_INTEGER)) throw misuse('prevSequence out of range')
  if (previousKeys?.documentId !== keys.documentId) throw misuse('previousKeys belong to another document')
}

const isCount = (value: unknown, max: number): boolean =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max
