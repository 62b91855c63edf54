import {
  createEpochRecord,
  deriveEpochKeys,
  type EpochKeys,
  parseDocumentKey,
  parseEpochRecord,
} from '@y-sealed/envelope'

/** The bench's own key of every document: what it protects is the letter k. */
export const BENCH_KEY = 'bench-key-0123456789-abcdefghijklmnopqrstuvwxyz'

const NONCE_BYTES = 16

/** The record of a document's first epoch. */
export async function firstRecord(documentId: string): Promise<Uint8Array> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  return createEpochRecord(await derive(documentId, { keyHint: '', stretch: 0, nonce }), { index: 0 })
}

/** The keys of the epoch that this record opened. */
export function keysOf(documentId: string, record: Uint8Array): Promise<EpochKeys> {
  return derive(documentId, parseEpochRecord(record))
}

function derive(
  documentId: string,
  { keyHint, stretch, nonce }: { keyHint: string; stretch: 0 | 1; nonce: Uint8Array },
): Promise<EpochKeys> {
  const parameters = { documentId, keyHint, suite: 1, stretch, nonce, ext: new Uint8Array(0) } as const
  return deriveEpochKeys(parseDocumentKey(BENCH_KEY), parameters)
}
