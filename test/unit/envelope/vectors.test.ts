import {
  type Birth,
  deriveEpochKeys,
  type EnvelopeKind,
  encodeAwarenessBody,
  encodeCheckpointBody,
  encodeWitnessBody,
  fingerprint,
  joinParts,
  type Opened,
  openEnvelope,
  parseAwarenessBody,
  parseCheckpointBody,
  parseDocumentKey,
  parseEpochRecord,
  parseWitnessBody,
} from '@y-sealed/envelope'
import { layOut, saltOf, unsafeSealEnvelope } from '@y-sealed/envelope/testing'
import { ProtocolError, parseHeader } from '@y-sealed/protocol/header'
import { describe, expect, it } from 'vitest'
import { bodyOf, engines, errorOf, hex, readVector, unhex } from './fixtures.ts'

interface Case {
  name: string
  kind: EnvelopeKind
  epochIndex?: number
  counter: number
  padding: boolean
  repair?: boolean
  birth?: { sequence: number; hash: string }
  slot?: string
  body?: string
  bodyBytes?: number
  envelopes: {
    counter: number
    final: boolean
    flags: number
    plaintextBytes: number
    plaintextSha256: string
    envelopeBytes: number
    envelopeSha256: string
    envelope?: string
  }[]
}
interface BadBytes {
  name: string
  bytes: string
  code: 'malformed' | 'unsupported'
}
interface CheckpointBody {
  name: string
  /** No `previous`: none. */
  manifest: { sequence: number; hash: string; previous?: string; digest: string; unixMs: number }
  update: string
  body: string
}
interface WitnessBody {
  name: string
  /** No `checkpoint`: none. */
  witness: { sequence: number; hash: string; checkpoint?: string; unixMs: number }
  body: string
}
interface Vectors {
  epoch: { key: string; documentId: string; keyHint: string; suite: 1; stretch: 0; nonce: string; ext: '' }
  epochId: string
  fingerprint: string
  salt: string
  cases: Case[]
  awareness: { unixMs: number; update: string; body: string }
  checkpoints: { bodies: CheckpointBody[]; refused: BadBytes[] }
  witnesses: { bodies: WitnessBody[]; refused: BadBytes[] }
  salts: { random: string; unixMicroseconds: string; count: number; salt: string }[]
  headers: BadBytes[]
  records: BadBytes[]
}
const vectors = readVector<Vectors>('envelope-v1.json')

describe.each(engines)('vectors with $name', (engine) => {
  it.each(vectors.cases)('[ENV-13] [ENV-14] [ENV-15] [ENV-16] [ENV-29] $name', async (known) => {
    const { epoch } = vectors
    const parameters = { ...epoch, nonce: unhex(epoch.nonce), ext: new Uint8Array(0) }
    const keys = await deriveEpochKeys(parseDocumentKey(epoch.key), parameters, engine)
    expect(hex(keys.epochId)).toBe(vectors.epochId)
    const { kind, padding, repair = false, slot } = known
    const body = known.body === undefined ? bodyOf(known.bodyBytes!) : unhex(known.body)
    const birth: Birth | undefined = known.birth && { ...known.birth, hash: unhex(known.birth.hash) }
    const key = await keys.sealingKey(kind, unhex(vectors.salt))
    const sheets = layOut(kind, body, { padding, repair, birth })
    expect(sheets.length).toBe(known.envelopes.length)

    const opened: Opened[] = []
    for (const [at, expected] of known.envelopes.entries()) {
      const sheet = sheets[at]!
      expect([sheet.plaintext[0], sheet.plaintext.length, sheet.final]).toEqual([
        expected.flags,
        expected.plaintextBytes,
        expected.final,
      ])
      expect(hex(engine.sha256(sheet.plaintext))).toBe(expected.plaintextSha256)
      const envelope = await unsafeSealEnvelope(key, {
        kind,
        epochId: keys.epochId,
        epochIndex: known.epochIndex ?? 0,
        salt: unhex(vectors.salt),
        counter: expected.counter,
        slot,
        ...sheet,
      })
      expect(envelope.length).toBe(expected.envelopeBytes)
      expect(hex(engine.sha256(envelope))).toBe(expected.envelopeSha256)
      if (expected.envelope) expect(hex(envelope)).toBe(expected.envelope)
      opened.push(await openEnvelope(keys, envelope, { final: sheet.final, ...(slot !== undefined && { slot }) }))
    }
    expect(hex(joinParts(opened))).toBe(hex(body))
    expect(opened[0]?.birth).toEqual(birth)
    expect(opened.every((part) => part.repair === repair)).toBe(true)
  })

  it.each(vectors.salts)('[ENV-18] salt number $count of a process', ({ random, unixMicroseconds, count, salt }) => {
    expect(hex(saltOf(engine, unhex(random), BigInt(unixMicroseconds), count))).toBe(salt)
  })
})

it.each(vectors.headers)('[ENV-1] [ENV-2] [ENV-9] a header is refused: $name', ({ bytes, code }) => {
  expect(() => parseHeader(unhex(bytes))).toThrow(expect.objectContaining({ name: 'ProtocolError', code }))
  expect(() => parseHeader(unhex(bytes))).toThrow(ProtocolError)
})

it.each(vectors.records)('[ENV-1] [ENV-2] [ENV-23] [ENV-25] an epoch record is refused: $name', async (bad) => {
  expect((await errorOf(() => parseEpochRecord(unhex(bad.bytes)))).code).toBe(bad.code)
})

it('[ENV-22] an awareness body is its time, then the update', () => {
  const { unixMs, update, body } = vectors.awareness
  expect(hex(encodeAwarenessBody(unixMs, unhex(update)))).toBe(body)
  expect(parseAwarenessBody(unhex(body))).toEqual({ unixMs, update: unhex(update) })
})

it.each(vectors.checkpoints.bodies)('[ENV-30] a checkpoint body: $name', ({ manifest: known, update, body }) => {
  const { hash, previous, digest } = known
  const manifest = { ...known, hash: unhex(hash), previous: optional(previous), digest: unhex(digest) }
  expect(encodeCheckpointBody(manifest, unhex(update)).map(hex).join('')).toBe(body)
  expect(parseCheckpointBody(unhex(body))).toEqual({ manifest, update: unhex(update) })
})

it.each(vectors.checkpoints.refused)('[ENV-1] [ENV-30] a checkpoint body is refused: $name', async (bad) => {
  expect((await errorOf(() => parseCheckpointBody(unhex(bad.bytes)))).code).toBe(bad.code)
})

it.each(vectors.witnesses.bodies)('[ENV-31] a witness body: $name', ({ witness: known, body }) => {
  const witness = { ...known, hash: unhex(known.hash), checkpoint: optional(known.checkpoint) }
  expect(hex(encodeWitnessBody(witness))).toBe(body)
  expect(parseWitnessBody(unhex(body))).toEqual(witness)
})

it.each(vectors.witnesses.refused)('[ENV-1] [ENV-31] a witness body is refused: $name', async (bad) => {
  expect((await errorOf(() => parseWitnessBody(unhex(bad.bytes)))).code).toBe(bad.code)
})

it('[ENV-28] the fingerprint of an epoch is thirty digits', () => {
  expect(fingerprint(unhex(vectors.epochId))).toBe(vectors.fingerprint)
  expect(vectors.fingerprint).toMatch(/^\d{5}( \d{5}){5}$/)
})

function optional(known: string | undefined): Uint8Array | undefined {
  return known === undefined ? undefined : unhex(known)
}
