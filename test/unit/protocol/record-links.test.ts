import { createEpochRecord, deriveEpochKeys, parseDocumentKey, parseEpochRecord, recordHash } from '@y-sealed/envelope'
import { ProtocolError, recordLinks } from '@y-sealed/protocol'
import { expect, it } from 'vitest'

async function keysOf(keyHint: string) {
  const parameters = {
    documentId: 'a document',
    keyHint,
    suite: 1,
    stretch: 0,
    nonce: new Uint8Array(16).fill(3),
    ext: new Uint8Array(0),
  } as const
  return await deriveEpochKeys(parseDocumentKey('a-key-of-thirty-two-characters-or-more'), parameters)
}

it('reads of a record what the envelope package has written: what it follows, and with what it begins', async () => {
  const previousKeys = await keysOf('first')
  const first = await createEpochRecord(previousKeys, { index: 0 })
  const zeros = new Uint8Array(32)
  expect(recordLinks(first)).toEqual({
    prevRecord: zeros,
    prevSequence: 0,
    prevHash: zeros,
    prevCheckpoint: zeros,
    checkpoint: zeros,
  })
  const fields = {
    prevRecord: recordHash(first),
    prevSequence: 300_000,
    prevHash: zeros.slice().fill(1),
    prevCheckpoint: zeros.slice().fill(2),
    checkpoint: zeros.slice().fill(4),
  }
  const next = await createEpochRecord(await keysOf('the next one'), {
    ...fields,
    index: 1,
    endpointEpoch: 700,
    previousKeys,
  })
  expect(recordLinks(next)).toEqual(fields)
  const { prevRecord, prevSequence, prevHash, prevCheckpoint, checkpoint } = parseEpochRecord(next)
  expect(recordLinks(next)).toEqual({ prevRecord, prevSequence, prevHash, prevCheckpoint, checkpoint })
})

it('what is no record is malformed, at whatever byte it ends', async () => {
  const record = await createEpochRecord(await keysOf('a hint'), { index: 0 })
  for (let end = 0; end < record.length; end++)
    expect(() => recordLinks(record.subarray(0, end))).toThrow(ProtocolError)
  expect(() => recordLinks(new Uint8Array([...record, 0]))).toThrow(ProtocolError)
})
