import { createSealer, EnvelopeKind, type EpochKeys, joinParts, type Opened, openEnvelope } from '@y-sealed/envelope'
import { expect, it } from 'vitest'
import { birth, bodyOf, deriveKeys, errorOf, sameBytes } from './fixtures.ts'

async function openedParts(keys: EpochKeys, bodyBytes: number, padding = true): Promise<Opened[]> {
  const sealer = await createSealer(keys, { epochIndex: 0, padding })
  const envelopes = await sealer.seal(EnvelopeKind.update, bodyOf(bodyBytes), { birth })
  return Promise.all(envelopes.map((envelope) => openEnvelope(keys, envelope)))
}

it('[ENV-15] an update of any length around the cut arrives as it was, padded or not', async () => {
  const keys = await deriveKeys()
  const cut = 256 * 1024
  for (const padding of [true, false]) {
    for (const length of [
      0,
      1,
      cut - 34,
      cut - 33,
      cut - 32,
      cut - 1,
      cut,
      cut + 1,
      2 * cut - 33,
      2 * cut,
      3 * cut + 5,
    ]) {
      const parts = await openedParts(keys, length, padding)
      expect(sameBytes(joinParts(parts), bodyOf(length)), `length ${length}`).toBe(true)
      expect(parts.map(({ counter }) => counter)).toEqual(parts.map((_, at) => at + 1))
      expect(parts.map(({ more }) => more)).toEqual(parts.map((_, at) => at < parts.length - 1))
      expect(parts.map(({ continues }) => continues)).toEqual(parts.map((_, at) => at > 0))
      expect(parts.map((part) => part.birth)).toEqual(parts.map((_, at) => (at === 0 ? birth : undefined)))
    }
  }
})

it('[ENV-15] parts that are missing, swapped, doubled or of two updates are not joined', async () => {
  const keys = await deriveKeys()
  const [a, b, c] = await openedParts(keys, 600_000)
  const [x, y, z] = await openedParts(keys, 600_000)
  const wrong = [
    [],
    [a],
    [b],
    [c],
    [a, b],
    [b, c],
    [a, c],
    [b, a, c],
    [a, c, b],
    [c, b, a],
    [a, a, c],
    [a, b, b, c],
    [a, b, c, c],
    [x, b, c],
    [a, y, c],
    [a, b, z],
    [a, x, c],
    [a, b, c, x, y, z],
  ]
  for (const parts of wrong) {
    // Filled from arrays that have those places.
    expect((await errorOf(() => joinParts(parts as Opened[]))).code).toBe('malformed')
  }
  expect(sameBytes(joinParts([a!, b!, c!]), bodyOf(600_000))).toBe(true)
})

it('[ENV-15] a part whose beginning the relay withholds says that it continues: its bytes are no update', async () => {
  // A pasted text may hold, at the cut, bytes that read as a Yjs update of an attacker's choice.
  const keys = await deriveKeys()
  const [, middle, last] = await openedParts(keys, 600_000)
  for (const part of [middle!, last!]) {
    expect(part.continues).toBe(true)
    expect((await errorOf(() => joinParts([part]))).code).toBe('malformed')
  }
})

it('[ENV-15] parts that differ in repair, padding, epoch or length are not joined', async () => {
  const keys = await deriveKeys()
  const [first, last] = await openedParts(keys, 300_000)
  for (const changes of [
    { repair: true },
    { padded: false },
    { epochIndex: 1 },
    { counter: 3 },
    { kind: 2 as const },
  ]) {
    expect((await errorOf(() => joinParts([first!, { ...last!, ...changes }]))).code).toBe('malformed')
  }
  const short = { ...first!, body: first!.body.subarray(1) }
  expect((await errorOf(() => joinParts([short, last!]))).code).toBe('malformed')
})

it('[ENV-16] a checkpoint arrives as it was, in chunks counted from 1, the last one final', async () => {
  const keys = await deriveKeys()
  for (const length of [0, 1, 262_141, 262_142, 700_000]) {
    const sealer = await createSealer(keys, { epochIndex: 0, wire: false })
    const chunks = await sealer.seal(EnvelopeKind.checkpoint, bodyOf(length))
    const opened = await Promise.all(
      chunks.map((chunk, at) => openEnvelope(keys, chunk, { final: at === chunks.length - 1 })),
    )
    expect(opened.map(({ counter }) => counter)).toEqual(chunks.map((_, at) => at + 1))
    expect(sameBytes(joinParts(opened), bodyOf(length))).toBe(true)
    if (opened.length > 2) {
      const [first, ...rest] = opened
      expect((await errorOf(() => joinParts(rest))).code).toBe('malformed')
      expect((await errorOf(() => joinParts([first!, ...rest.slice(1)]))).code).toBe('malformed')
    }
  }
})
