import {
  createEpochRecord,
  type DocumentKey,
  deriveEpochKeys,
  type EpochKeys,
  isWeakKey,
  parseDocumentKey,
  parseEpochRecord,
  recordHash,
  verifyEpochRecord,
} from '@y-sealed/envelope'
import type { KeyRing } from '@y-sealed/key-client'
import { startHash } from '@y-sealed/protocol'
import { SealedError } from '../sealed-error.ts'

/** The life of one document key, verified: what this provider seals and opens with. */
export interface Epoch {
  readonly index: number
  readonly keyHint: string
  readonly record: Uint8Array
  readonly recordHash: Uint8Array
  /** H before the epoch's first entry (protocol §7). */
  readonly startHash: Uint8Array
  readonly keys: EpochKeys
}

/**
 * Takes a record that the relay shows: asks for the key its hint names and accepts the epoch only if that key gives the record's
 * epochId and tags (protocol §4). Throws KeyError, or SealedError `key-mismatch`, `stale-epoch`, `relay-fault`.
 */
export async function adoptEpoch(record: Uint8Array, ring: KeyRing, documentId: string): Promise<Epoch> {
  const parsed = parseEpochRecord(record)
  if (parsed.index !== 0) {
    throw new SealedError(
      'stale-epoch',
      `the document is in epoch ${parsed.index}; this version reads epoch 0 only`,
      'epoch',
    )
  }
  const answer = await ring.ask(parsed.keyHint)
  const keys = await deriveEpochKeys(parseDocumentKey(answer.key), { ...parsed, documentId })
  if (!(await verifyEpochRecord(keys, record))) {
    keys.forget()
    throw new SealedError(
      'key-mismatch',
      'the key that the endpoint gave is not the one the document was sealed with',
      'epoch',
    )
  }
  return toEpoch(parsed.index, parsed.keyHint, record, keys)
}

/** A new epoch 0 under a key asked for with null; it counts only once the relay's compare-and-set took its record. */
export async function mintEpochZero(ring: KeyRing, documentId: string): Promise<{ epoch: Epoch; weak: boolean }> {
  const answer = await ring.confirmNew()
  const key = parseDocumentKey(answer.key)
  const weak = isWeakKey(key)
  const epoch = await sealRecord(key, answer.keyHint, documentId, weak, answer.epoch)
  return { epoch, weak }
}

async function sealRecord(
  key: DocumentKey,
  keyHint: string,
  documentId: string,
  weak: boolean,
  endpointEpoch: number | undefined,
): Promise<Epoch> {
  const parameters = {
    documentId,
    keyHint,
    suite: 1 as const,
    stretch: weak ? (1 as const) : (0 as const),
    nonce: crypto.getRandomValues(new Uint8Array(16)),
    ext: new Uint8Array(0),
  }
  const keys = await deriveEpochKeys(key, parameters)
  const record = await createEpochRecord(keys, { index: 0, ...(endpointEpoch === undefined ? {} : { endpointEpoch }) })
  return toEpoch(0, keyHint, record, keys)
}

function toEpoch(index: number, keyHint: string, record: Uint8Array, keys: EpochKeys): Epoch {
  const hash = recordHash(record)
  return { index, keyHint, record, recordHash: hash, startHash: startHash(hash), keys }
}
