import {
  createSealer,
  deriveEpochKeys,
  EnvelopeKind,
  type EpochKeys,
  openEnvelope,
  parseDocumentKey,
} from '@y-sealed/envelope'
import { BENCH_KEY } from '../clients/protocols/bench-keys.ts'
import type { SealThroughput } from './answers.ts'

const NONCE_BYTES = 16
const KEYSTROKE_BYTES = 24
// As many as the largest frame of a catch-up holds, roughly.
const AT_ONCE = 1_000
const LARGE_BYTES = 8 * 1024 * 1024

export function benchKeys(): Promise<EpochKeys> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  const parameters = { documentId: 'page', keyHint: '', suite: 1, stretch: 0, nonce, ext: new Uint8Array(0) } as const
  return deriveEpochKeys(parseDocumentKey(BENCH_KEY), parameters)
}

/** Envelopes of one keystroke each, and one import of eight megabytes. */
export async function sealAndOpen(count: number): Promise<SealThroughput> {
  const keys = await benchKeys()
  const sealer = await createSealer(keys, { epochIndex: 0, wire: false })
  const body = crypto.getRandomValues(new Uint8Array(KEYSTROKE_BYTES))
  const sealed: Uint8Array[] = []
  const sealStartMs = performance.now()
  for (let at = 0; at < count; at += AT_ONCE) {
    const batch = Array.from({ length: AT_ONCE }, () => sealer.seal(EnvelopeKind.update, body))
    sealed.push(...(await Promise.all(batch)).flat())
  }
  const sealSeconds = (performance.now() - sealStartMs) / 1_000
  const openStartMs = performance.now()
  for (let at = 0; at < count; at += AT_ONCE) {
    await Promise.all(sealed.slice(at, at + AT_ONCE).map((envelope) => openEnvelope(keys, envelope)))
  }
  const openSeconds = (performance.now() - openStartMs) / 1_000

  const large = new Uint8Array(LARGE_BYTES)
  const largeStartMs = performance.now()
  const parts = await sealer.seal(EnvelopeKind.update, large)
  const largeSealedMs = performance.now()
  await Promise.all(parts.map((part) => openEnvelope(keys, part)))
  const largeOpenedMs = performance.now()
  return {
    sealedPerSecond: count / sealSeconds,
    openedPerSecond: count / openSeconds,
    sealedMbPerSecond: LARGE_BYTES / 1e3 / (largeSealedMs - largeStartMs),
    openedMbPerSecond: LARGE_BYTES / 1e3 / (largeOpenedMs - largeSealedMs),
  }
}
