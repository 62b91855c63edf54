import { createSealer, EnvelopeKind, openEnvelope } from '@y-sealed/envelope'
import { paddedBytes, paddingOf, unpad } from '@y-sealed/envelope/testing'
import { expect, it } from 'vitest'
import { birth, bodyOf, deriveKeys } from './fixtures.ts'

it('[ENV-14] what was padded is found again, at every length to 3,000 and for zeros and marks alike', () => {
  for (let length = 0; length <= 3000; length++) {
    const size = paddedBytes(EnvelopeKind.update, length + 1)
    for (const fill of [0, 0x80, 0xff]) {
      const content = new Uint8Array(length).fill(fill)
      const padded = Buffer.concat([content, paddingOf(size - length)])
      expect(padded.length).toBe(size)
      expect(unpad(padded).length).toBe(length)
    }
  }
})

it('[ENV-14] padding adds at most 12 % above 256 bytes, never takes away, and never falls', () => {
  let before = 0
  for (let bytes = 1; bytes < 2 ** 26; bytes += Math.max(1, bytes >> 9)) {
    const padded = paddedBytes(EnvelopeKind.update, bytes)
    expect(padded).toBeGreaterThanOrEqual(bytes)
    expect(padded).toBeGreaterThanOrEqual(before)
    if (bytes > 256) expect(padded / bytes).toBeLessThan(1.12)
    before = padded
  }
})

it('[ENV-14] Padmé is exact at powers of two', () => {
  for (let exponent = 9; exponent < 32; exponent++) {
    expect(paddedBytes(EnvelopeKind.update, 2 ** exponent)).toBe(2 ** exponent)
    expect(paddedBytes(EnvelopeKind.update, 2 ** exponent - 1)).toBe(2 ** exponent)
    expect(paddedBytes(EnvelopeKind.update, 2 ** exponent + 1)).toBeGreaterThan(2 ** exponent)
  }
})

it('[ENV-14] awareness comes in steps of 384 bytes, witnesses in steps of 256', () => {
  expect([1, 384, 385, 768].map((bytes) => paddedBytes(EnvelopeKind.awareness, bytes))).toEqual([384, 384, 768, 768])
  expect([1, 256, 257].map((bytes) => paddedBytes(EnvelopeKind.witness, bytes))).toEqual([256, 256, 512])
})

it('[ENV-17] an unpadded envelope is 37 to 40 bytes longer than its body', async () => {
  const keys = await deriveKeys()
  const overheads = new Set<number>()
  for (const epochIndex of [0, 127, 128, 16383]) {
    const sealer = await createSealer(keys, { epochIndex, wire: false, padding: false })
    for (let n = 0; n < 200; n++) {
      const [envelope] = sealer.sealNow(EnvelopeKind.update, bodyOf(24))
      overheads.add(envelope!.length - 24)
    }
  }
  expect([...overheads].sort()).toEqual([37, 38, 39])
  // The fourth byte: a counter of 16,384 or more, in an epoch of two bytes.
  const sealer = await createSealer(keys, { epochIndex: 128, wire: false, padding: false })
  let last = 0
  for (let n = 0; n < 16384; n++) last = sealer.sealNow(EnvelopeKind.update, new Uint8Array(0))[0]!.length
  expect(last).toBe(40)
})

it('[ENV-17] a keystroke takes at most 100 bytes, padded, with a birth or without, insertion or deletion alike', async () => {
  const sealer = await createSealer(await deriveKeys(), { epochIndex: 127 })
  const insertion = bodyOf(24)
  const deletion = bodyOf(10)
  const [first] = sealer.sealNow(EnvelopeKind.update, insertion, { birth: { ...birth, sequence: 2 ** 21 - 1 } })
  expect(first!.length).toBe(99)
  for (let n = 2; n < 16384; n++) {
    const [envelope] = sealer.sealNow(EnvelopeKind.update, n % 2 === 0 ? insertion : deletion)
    if (envelope!.length > 100) throw new Error(`counter ${n} took ${envelope!.length} bytes`)
  }
})

it('[ENV-14] padding can be turned off, and readers do not care', async () => {
  const keys = await deriveKeys()
  for (const padding of [true, false]) {
    const sealer = await createSealer(keys, { epochIndex: 0, padding })
    const [envelope] = await sealer.seal(EnvelopeKind.awareness, bodyOf(11))
    expect(envelope!.length).toBe(padding ? 384 + 35 : 11 + 37)
    expect((await openEnvelope(keys, envelope!)).body).toEqual(bodyOf(11))
  }
})
