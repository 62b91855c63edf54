import {
  type Birth,
  deriveEpochKeys,
  type EnvelopeKind,
  encodeAwarenessBody,
  fingerprint,
  joinParts,
  type Opened,
  openEnvelope,
  parseAwarenessBody,
  parseDocumentKey,
  parseEpochRecord,
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
interface Vectors {
  epoch: { key: string; documentId: string; keyHint: string; suite: 1; stretch: 0; nonce: string; ext: '' }
  epochId: string
  fingerprint: string
  salt: string
  cases: Case[]
  awareness: { unixMs: number; update: string; body: string }
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

it('[ENV-28] the fingerprint of an epoch is thirty digits', () => {
  expect(fingerprint(unhex(vectors.epochId))).toBe(vectors.fingerprint)
  expect(vectors.fingerprint).toMatch(/^\d{5}( \d{5}){5}$/)
})
