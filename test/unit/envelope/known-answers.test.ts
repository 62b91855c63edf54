import {
  checkpointHash,
  createEpochRecord,
  deriveEpochKeys,
  type EnvelopeKind,
  type EpochKeys,
  openEnvelope,
  parseDocumentKey,
  parseEpochRecord,
  recordHash,
  verifyEpochRecord,
} from '@y-sealed/envelope'
import { aadOf, contextInput, nonceOf, paddedBytes, unsafeSealEnvelope } from '@y-sealed/envelope/testing'
import { parseHeader } from '@y-sealed/protocol/header'
import { describe, expect, it } from 'vitest'
import { engines, hex, readVector, unhex } from './fixtures.ts'

interface Schedule {
  name: string
  stretch: 0 | 1
  key: string
  documentId: string
  keyHint: string
  nonce: string
  ext?: string
  contextInput?: string
  context: string
  K_0: string
  K_epoch: string
  epochId: string
  K_link: string
  K_self: string
  salt: string
  K_seal: Record<string, string>
}
interface KnownAnswers {
  schedule: Schedule[]
  schedule2: Omit<Schedule, 'salt' | 'K_seal' | 'K_0'>
  negative: { name: string; key: string; nonce: string; aad: string; ciphertextAndTag: string }[]
  envelopes: {
    name: string
    kind: EnvelopeKind
    index: number
    salt: string
    counter: number
    final: number
    slot: string | null
    body: string
    plaintext: string
    K_seal: string
    nonce: string
    aad: string
    envelope: string
    overhead: number
  }[]
  padding: { unpadded: number; padded: number }[]
  records: {
    name: string
    index: number
    keyEpoch: number | null
    prevRecord: string
    prevSeq: number
    prevH: string
    prevCheckpoint: string
    checkpoint: string
    record: string
    recordHash: string
  }[]
  checkpointHash: string
}
const answers = readVector<KnownAnswers>('kat-v1.json')
const first = answers.schedule[0]!

const parametersOf = (of: Pick<Schedule, 'documentId' | 'keyHint' | 'stretch' | 'nonce'>) => ({
  documentId: of.documentId,
  keyHint: of.keyHint,
  suite: 1 as const,
  stretch: of.stretch,
  nonce: unhex(of.nonce),
  ext: new Uint8Array(0),
})

const withoutSlot = (slot: string | null) => (slot === null ? {} : { slot })

describe.each(engines)('C12: known answers with $name', (engine) => {
  const none = new Uint8Array(0)
  const keysOf = (of: Pick<Schedule, 'key' | 'documentId' | 'keyHint' | 'stretch' | 'nonce'>): Promise<EpochKeys> =>
    deriveEpochKeys(parseDocumentKey(of.key), parametersOf(of), engine)

  it.each(answers.schedule)('[ENV-4] [ENV-5] [ENV-6] key schedule: $name', { timeout: 120_000 }, async (known) => {
    const context = contextInput(parametersOf(known))
    expect(hex(context)).toBe(known.contextInput)
    expect(hex(engine.sha256(context))).toBe(known.context)

    const info = engine.sha256(context)
    const label = (name: string) => new TextEncoder().encode(`y-sealed/v1/${name}`)
    const base = await engine.hkdf(new TextEncoder().encode(known.key), label('epoch'), info, 32)
    expect(hex(base)).toBe(known.K_0)
    const keys = await keysOf(known)
    expect(hex(keys.epochId)).toBe(known.epochId)
    const message = new TextEncoder().encode('message')
    expect(hex(await keys.linkTag(message))).toBe(hex(await engine.hmac(unhex(known.K_link), message)))
    expect(hex(await keys.selfTag(message))).toBe(hex(await engine.hmac(unhex(known.K_self), message)))

    const root = await engine.root(unhex(known.K_epoch))
    for (const [kind, subkey] of Object.entries(known.K_seal)) {
      const subkeyInfo = new Uint8Array([...label('seal'), Number(kind), ...unhex(known.salt)])
      expect(hex(await root.bits(subkeyInfo))).toBe(subkey)
      const nonce = nonceOf(1, false)
      // The kinds of the file's object keys are 1 to 5.
      const sealed = await (await keys.sealingKey(Number(kind) as EnvelopeKind, unhex(known.salt))).seal(
        nonce,
        none,
        message,
      )
      expect(await (await engine.openingKey(unhex(subkey))).open(nonce, none, sealed)).toEqual(message)
      expect(await (await engine.sealingKey(unhex(subkey))).seal(nonce, none, message)).toEqual(sealed)
    }
  })

  it.each(answers.envelopes)('[ENV-9] [ENV-10] [ENV-11] [ENV-29] envelope: $name', async (known) => {
    const keys = await keysOf(first)
    const final = known.final === 1
    const slot = withoutSlot(known.slot)
    const envelope = unhex(known.envelope)
    const header = envelope.subarray(0, parseHeader(envelope).headerBytes)
    expect(hex(nonceOf(known.counter, final))).toBe(known.nonce)
    expect(hex(aadOf(keys.epochId, header, known.slot ?? undefined))).toBe(known.aad)
    const sealed = await unsafeSealEnvelope(await keys.sealingKey(known.kind, unhex(known.salt)), {
      kind: known.kind,
      epochId: keys.epochId,
      epochIndex: known.index,
      salt: unhex(known.salt),
      counter: known.counter,
      final,
      ...slot,
      plaintext: unhex(known.plaintext),
    })
    expect(hex(sealed)).toBe(known.envelope)
    expect(sealed.length - unhex(known.body).length).toBe(known.overhead)

    const opened = await openEnvelope(keys, envelope, { ...slot, ...(final && { final }) })
    expect(hex(opened.body)).toBe(known.body)
    expect(opened).toMatchObject({ kind: known.kind, epochIndex: known.index, counter: known.counter, final })
  })

  it.each(answers.negative)('[ENV-12] refused: $name', async ({ key, nonce, aad, ciphertextAndTag }) => {
    const opener = await engine.openingKey(unhex(key))
    expect(await opener.open(unhex(nonce), unhex(aad), unhex(ciphertextAndTag))).toBeUndefined()
  })

  it('[ENV-23] [ENV-24] [ENV-27] both epoch records are made and verified', async () => {
    const keys = [await keysOf(first), await keysOf(answers.schedule2)] as const
    const [record0, record1] = [answers.records[0]!, answers.records[1]!]

    expect(hex(await createEpochRecord(keys[0], { index: 0 }))).toBe(record0.record)
    expect(hex(recordHash(unhex(record0.record)))).toBe(record0.recordHash)
    expect(await verifyEpochRecord(keys[0], unhex(record0.record))).toBe(true)

    const made = await createEpochRecord(keys[1], {
      index: record1.index,
      endpointEpoch: record1.keyEpoch!,
      prevRecord: unhex(record1.prevRecord),
      previousKeys: keys[0],
      prevSequence: record1.prevSeq,
      prevHash: unhex(record1.prevH),
      prevCheckpoint: unhex(record1.prevCheckpoint),
      checkpoint: unhex(record1.checkpoint),
    })
    expect(hex(made)).toBe(record1.record)
    expect(hex(recordHash(made))).toBe(record1.recordHash)
    expect(await verifyEpochRecord(keys[1], made, keys[0])).toBe(true)
    expect(await verifyEpochRecord(keys[1], made)).toBe(true)
    expect(parseEpochRecord(made)).toMatchObject({ index: 1, endpointEpoch: 7, keyHint: 'hint-1', prevSequence: 3 })
  })
})

it.each(answers.padding)('[ENV-14] $unpadded bytes are padded to $padded', ({ unpadded, padded }) => {
  expect(paddedBytes(1, unpadded)).toBe(padded)
})

it('[ENV-27] a checkpoint is named by its chunks', () => {
  const chunks = answers.envelopes.filter(({ kind }) => kind === 2).map(({ envelope }) => unhex(envelope))
  expect(hex(checkpointHash(chunks))).toBe(answers.checkpointHash)
})
