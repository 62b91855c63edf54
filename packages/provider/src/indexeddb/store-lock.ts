import {
  createSealer,
  deriveEpochKeys,
  EnvelopeError,
  EnvelopeKind,
  type EpochKeys,
  NONCE_BYTES,
  openEnvelope,
  parseDocumentKey,
} from '@y-sealed/envelope'
import { type ChainedEpoch, readRecord } from '../epoch/chained-epoch.ts'
import { base64url, type Epoch } from '../epoch/epoch.ts'
import { equalBytes } from '../hex.ts'
import type { DeviceLock } from './device-lock.ts'

export const STORE_KEY_BYTES = 32
/** Where it stands (ENV-11). */
const SLOT = 'key'

/** Whose key opens the store: the record of the epoch, in clear, so that the endpoint can be asked without the relay. */
export interface StoreLock {
  readonly epoch: ChainedEpoch
  /** Makes the store's keys unlike those of any other. */
  readonly nonce: Uint8Array
  /** The store's key, sealed as kind 5 under that epoch. */
  readonly sealed: Uint8Array
  readonly device: DeviceLock | undefined
}

export function drawStoreKey(): { key: Uint8Array; nonce: Uint8Array } {
  return {
    key: crypto.getRandomValues(new Uint8Array(STORE_KEY_BYTES)),
    nonce: crypto.getRandomValues(new Uint8Array(NONCE_BYTES)),
  }
}

export async function sealStoreKey(key: Uint8Array, { keys, index }: Epoch): Promise<Uint8Array> {
  const sealer = await createSealer(keys, { epochIndex: index, wire: false })
  const [envelope] = await sealer.seal(EnvelopeKind.local, key, { slot: SLOT })
  sealer.retire()
  if (envelope === undefined) throw new Error('kind 5 is one envelope')
  return envelope
}

/** Undefined: these keys do not open it. */
export async function openStoreKey({ sealed }: StoreLock, keys: EpochKeys): Promise<Uint8Array | undefined> {
  try {
    const { body } = await openEnvelope(keys, sealed, { slot: SLOT })
    return body.length === STORE_KEY_BYTES ? body.slice() : undefined
  } catch (error) {
    if (error instanceof EnvelopeError) return undefined
    throw error
  }
}

/** What the rows of a store are sealed with: a key schedule of its own (protocol §2), under a key that never leaves the device. */
export function deriveStoreKeys(key: Uint8Array, nonce: Uint8Array, documentId: string): Promise<EpochKeys> {
  const fixed = { documentId, keyHint: '', suite: 1, stretch: 0, ext: new Uint8Array(0) } as const
  return deriveEpochKeys(parseDocumentKey(base64url(key)), { ...fixed, nonce })
}

/** What stands in `about`; undefined: not what this version writes. */
export function parseLock(value: unknown): StoreLock | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { record, nonce, sealed, device } = value as Record<string, unknown>
  if (!isBytes(record) || !isBytes(nonce) || !isBytes(sealed) || nonce.length !== NONCE_BYTES) return undefined
  try {
    return { epoch: readRecord(record), nonce, sealed, device: parseDevice(device) }
  } catch (error) {
    if (error instanceof EnvelopeError) return undefined
    throw error
  }
}

export function encodeLock({ epoch, nonce, sealed, device }: StoreLock): object {
  return { record: epoch.record, nonce, sealed, ...(device === undefined ? {} : { device }) }
}

export const isLockOf = (lock: StoreLock, { hash }: ChainedEpoch): boolean => equalBytes(lock.epoch.hash, hash)

function parseDevice(value: unknown): DeviceLock | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { key, iv, sealed } = value as Record<string, unknown>
  return key instanceof CryptoKey && isBytes(iv) && isBytes(sealed) ? { key, iv, sealed } : undefined
}

export const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array
