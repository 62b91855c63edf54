import {
  createEpochRecord,
  type EpochKeys,
  type EpochRecordFields,
  fingerprint,
  parseEpochRecord,
  recordHash,
  verifyEpochRecord,
} from '@y-sealed/envelope'
import { describe, expect, it } from 'vitest'
import { bodyOf, deriveKeys, engines, errorOf, hex } from './fixtures.ts'

const hash = (fill: number) => new Uint8Array(32).fill(fill)
const verdict = (keys: EpochKeys, record: Uint8Array, previous?: EpochKeys) =>
  verifyEpochRecord(keys, record, previous).catch(() => 'refused' as const)

async function twoEpochs(engine = engines[0]) {
  const previousKeys = await deriveKeys({}, engine)
  const keys = await deriveKeys({ keyHint: 'hint-1', nonce: hash(1).subarray(16) }, engine)
  const first = await createEpochRecord(previousKeys, { index: 0 })
  const later: EpochRecordFields = {
    index: 1,
    endpointEpoch: 0,
    prevRecord: recordHash(first),
    previousKeys,
    prevSequence: 2 ** 40,
    prevHash: hash(2),
    prevCheckpoint: hash(0),
    checkpoint: hash(4),
  }
  return { previousKeys, keys, first, later, second: await createEpochRecord(keys, later) }
}

describe.each(engines)('$name', (engine) => {
  it('[ENV-24] [ENV-26] no byte of a record can be changed, cut or added', async () => {
    const { keys, previousKeys, first, second } = await twoEpochs(engine)
    const cases = [
      [first, previousKeys, undefined],
      [second, keys, previousKeys],
    ] as const
    for (const [record, own, previous] of cases) {
      expect(await verifyEpochRecord(own, record, previous)).toBe(true)
      for (let at = 0; at < record.length; at++) {
        for (const bit of [1, 128]) {
          const edited = record.slice()
          edited[at] = (edited[at] ?? 0) ^ bit
          expect(await verdict(own, edited, previous), `byte ${at}`).not.toBe(true)
        }
        expect((await errorOf(() => parseEpochRecord(record.subarray(0, at)))).code).toBe('malformed')
      }
      expect((await errorOf(() => parseEpochRecord(Uint8Array.of(...record, 0)))).code).toBe('malformed')
    }
  })
})

it('[ENV-23] a parsed record says what was written into it', async () => {
  const { keys, later, second } = await twoEpochs()
  const { previousKeys: _, ...written } = later
  expect(parseEpochRecord(second)).toMatchObject({ ...written, keyHint: 'hint-1', epochId: keys.epochId, suite: 1 })
  const { endpointEpoch: __, ...silent } = later
  expect(parseEpochRecord(await createEpochRecord(keys, silent))).not.toHaveProperty('endpointEpoch')
})

it('[ENV-26] a record is another document’s, another key’s or unlinked: not accepted', async () => {
  const { keys, previousKeys, first, second } = await twoEpochs()
  const elsewhere = { documentId: 'doc-2', keyHint: 'hint-1', nonce: hash(1).subarray(16) }
  expect(await verifyEpochRecord(await deriveKeys(elsewhere), second)).toBe(false)
  expect(await verifyEpochRecord(previousKeys, second)).toBe(false)
  expect(await verifyEpochRecord(keys, second, await deriveKeys({ keyHint: 'other' }))).toBe(false)
  expect(await verifyEpochRecord(previousKeys, first, keys)).toBe(false)
})

it('[ENV-26] a relay or a member of the old epoch alone makes no record of a new one', async () => {
  const { keys, previousKeys, later } = await twoEpochs()
  // It knows the epoch's public id, but not its key: its own tags must do.
  const forger = { ...previousKeys, epochId: keys.epochId, parameters: keys.parameters }
  const forged = await createEpochRecord(forger, later)
  expect(parseEpochRecord(forged).epochId).toEqual(keys.epochId)
  expect(await verifyEpochRecord(keys, forged, previousKeys)).toBe(false)
  // A holder of the new key alone cannot link it to the old epoch.
  const unlinked = await createEpochRecord(keys, { ...later, previousKeys: keys })
  expect(await verifyEpochRecord(keys, unlinked)).toBe(true)
  expect(await verifyEpochRecord(keys, unlinked, previousKeys)).toBe(false)
})

it('[ENV-26] the epoch id is compared before any tag: a wrong key is never used on the record', async () => {
  const { keys, second } = await twoEpochs()
  const used: string[] = []
  const tagUsed = (name: string) => async () => {
    used.push(name)
    return hash(0)
  }
  const wrong: EpochKeys = {
    ...keys,
    epochId: hash(9),
    selfTag: tagUsed('selfTag'),
    linkTag: tagUsed('linkTag'),
  }
  expect(await verifyEpochRecord(wrong, second, wrong)).toBe(false)
  expect(used).toEqual([])
})

it('[ENV-25] index 0 comes after nothing, every other index after something', async () => {
  const { keys, later } = await twoEpochs()
  const wrong: EpochRecordFields[] = [
    { ...later, index: 0 },
    { index: 0, prevSequence: 0 },
    { index: 0, prevRecord: hash(1) },
    { index: 1 },
    { ...later, prevRecord: hash(0) },
    { ...later, prevRecord: bodyOf(31) },
    { ...later, checkpoint: bodyOf(33) },
    { ...later, prevSequence: -1 },
    { ...later, endpointEpoch: 0.5 },
    { ...later, endpointEpoch: Number.MAX_SAFE_INTEGER },
    { ...later, index: 2 ** 31 },
    { ...later, index: -1 },
    { ...later, previousKeys: await deriveKeys({ documentId: 'doc-2' }) },
  ]
  for (const fields of wrong) expect((await errorOf(() => createEpochRecord(keys, fields))).code).toBe('caller')
})

it('[ENV-23] the longest record fits the relay’s 4 KiB', async () => {
  const keys = await deriveKeys({ documentId: 'd'.repeat(1024), keyHint: 'ﷺ'.repeat(256) })
  const { later } = await twoEpochs()
  const fields = { ...later, index: 2 ** 31 - 1, prevSequence: Number.MAX_SAFE_INTEGER, previousKeys: keys }
  const record = await createEpochRecord(keys, { ...fields, endpointEpoch: Number.MAX_SAFE_INTEGER - 1 })
  expect(record.length).toBeLessThan(4096)
  expect(await verifyEpochRecord(keys, record, keys)).toBe(true)
})

it('[ENV-28] two epochs have two fingerprints', async () => {
  const { keys, previousKeys } = await twoEpochs()
  expect(fingerprint(keys.epochId)).not.toBe(fingerprint(previousKeys.epochId))
  expect(hex(keys.epochId)).not.toContain(fingerprint(keys.epochId).replaceAll(' ', ''))
})
