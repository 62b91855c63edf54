import {
  createEpochRecord,
  type DocumentKey,
  deriveEpochKeys,
  type EpochKeys,
  type EpochRecordFields,
  isWeakKey,
  parseDocumentKey,
  verifyEpochRecord,
} from '@y-sealed/envelope'
import type { KeyRing, ParsedAnswer } from '@y-sealed/key-client'
import { startHash } from '@y-sealed/protocol'
import { equalBytes } from '../hex.ts'
import { SealedError } from '../sealed-error.ts'
import { type ChainedEpoch, readRecord } from './chained-epoch.ts'

/** The life of one document key, verified: what this provider seals and opens with. */
export interface Epoch extends ChainedEpoch {
  readonly index: number
  readonly keyHint: string
  /** H before the epoch's first entry (protocol §7). */
  readonly startHash: Uint8Array
  readonly keys: EpochKeys
}

/** What the endpoint said beside the key. */
export interface KeyState {
  /** False: read with it, do not write, rotate. */
  readonly active: boolean
  /** base64url of the recordHash that the endpoint has pinned for the hint; null: none yet; absent: it keeps none. */
  readonly record?: string | null
}

export interface Adopted {
  readonly epoch: Epoch
  readonly state: KeyState
}

/**
 * Takes a record that the relay shows: asks for the key its hint names and accepts the epoch only if that key gives the record's epochId and
 * tags, and the endpoint knows of no other record for it (protocol §4). `previousKeys`: of the epoch that the record follows, where they are
 * held. Throws KeyError, or SealedError `key-mismatch`, `fork`.
 */
export async function adoptEpoch(
  chained: ChainedEpoch,
  ring: KeyRing,
  documentId: string,
  previousKeys?: EpochKeys,
): Promise<Adopted> {
  const { parsed, record, hash } = chained
  const answer = await ring.ask(parsed.keyHint)
  const keys = await deriveEpochKeys(parseDocumentKey(answer.key), { ...parsed, documentId })
  if (!(await verifyEpochRecord(keys, record, parsed.index === 0 ? undefined : previousKeys))) {
    keys.forget()
    throw new SealedError(
      'key-mismatch',
      'the key that the endpoint gave is not the one the document was sealed with',
      'epoch',
    )
  }
  const { endpointEpoch } = parsed
  // A removed member can make a record under a key it still has; the endpoint's number gives it away (protocol §4).
  if (answer.epoch !== undefined && endpointEpoch !== undefined && answer.epoch < endpointEpoch) {
    keys.forget()
    throw new SealedError('fork', 'the epoch record names a higher number of its key than the endpoint', 'epoch')
  }
  if (typeof answer.record === 'string' && answer.record !== base64url(hash)) {
    keys.forget()
    throw new SealedError('fork', 'the relay shows another epoch record than the one that the endpoint knows', 'epoch')
  }
  return { epoch: toEpoch(chained, keys), state: stateOf(answer) }
}

/** A key asked for with null, confirmed by its hint, and the number that the endpoint has given it. */
export interface FreshKey {
  readonly key: DocumentKey
  readonly keyHint: string
  readonly endpointEpoch: number | undefined
  readonly weak: boolean
  readonly state: KeyState
}

/** `after`: the hint to leave. */
export async function askFreshKey(ring: KeyRing, after?: string): Promise<FreshKey> {
  const answer = await ring.confirmNew(after === undefined ? {} : { after })
  const key = parseDocumentKey(answer.key)
  return { key, keyHint: answer.keyHint, endpointEpoch: answer.epoch, weak: isWeakKey(key), state: stateOf(answer) }
}

/** Whether a key is the one of an epoch already (its hint may be another). */
export async function isKeyOf(key: DocumentKey, epoch: Epoch, documentId: string): Promise<boolean> {
  const keys = await deriveEpochKeys(key, { ...epoch.parsed, documentId })
  const isSame = equalBytes(keys.epochId, epoch.keys.epochId)
  keys.forget()
  return isSame
}

/** The keys of a new epoch; its random nonce makes them new even when the document key is not. */
export function deriveNewKeys({ key, keyHint, weak }: FreshKey, documentId: string): Promise<EpochKeys> {
  return deriveEpochKeys(key, {
    documentId,
    keyHint,
    suite: 1,
    stretch: weak ? 1 : 0,
    nonce: crypto.getRandomValues(new Uint8Array(16)),
    ext: new Uint8Array(0),
  })
}

/** The epoch that a record made with these keys opens; it counts only once the relay's compare-and-set took the record. */
export async function createEpoch(
  keys: EpochKeys,
  { endpointEpoch }: FreshKey,
  fields: Omit<EpochRecordFields, 'endpointEpoch'>,
): Promise<Epoch> {
  const record = await createEpochRecord(keys, { ...fields, ...(endpointEpoch === undefined ? {} : { endpointEpoch }) })
  return toEpoch(readRecord(record), keys)
}

/** How the contract writes a recordHash (protocol §5). */
export function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

function toEpoch(chained: ChainedEpoch, keys: EpochKeys): Epoch {
  const { index, keyHint } = chained.parsed
  return { ...chained, index, keyHint, startHash: startHash(chained.hash), keys }
}

function stateOf({ active, record }: ParsedAnswer): KeyState {
  return { active, ...(record === undefined ? {} : { record }) }
}
