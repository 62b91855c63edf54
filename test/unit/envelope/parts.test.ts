import {
  bodiesOf,
  createSealer,
  EnvelopeKind,
  type EpochKeys,
  joinParts,
  type Opened,
  openEnvelope,
} from '@y-sealed/envelope'
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

it('[ENV-14] [ENV-15] a part that is nothing but zeros of the padding belongs to what stands before it', async () => {
  const keys = await deriveKeys()
  const cut = 256 * 1024
  // Over 8 MiB sizes are padded by as much as a part: the mark is the last byte of the part before, or the first of the last one.
  const birthBytes = 1 + birth.hash.length
  for (const [marked, lastZero] of [
    [1, true],
    [0, false],
  ] as const) {
    const body = bodyOf(33 * cut - birthBytes - marked)
    const sealer = await createSealer(keys, { epochIndex: 0 })
    const envelopes = await sealer.seal(EnvelopeKind.update, body, { birth })
    const parts = await Promise.all(envelopes.map((envelope) => openEnvelope(keys, envelope)))
    expect(parts.length).toBe(34)
    expect(parts.at(-1)?.body.every((byte) => byte === 0)).toBe(lastZero)
    expect(sameBytes(joinParts(parts), body)).toBe(true)
    expect(sameBytes(Buffer.concat(bodiesOf(parts)), body)).toBe(true)
  }
})

it('[ENV-15] a body in pieces is sealed as if they were one, wherever the cuts fall', async () => {
  const keys = await deriveKeys()
  const body = bodyOf(600_000)
  for (const cuts of [[0], [1], [100, 262_110], [262_111, 262_144, 262_145], [599_999, 600_000]]) {
    const ends = [...cuts, body.length]
    const pieces = ends.map((end, at) => body.subarray(ends[at - 1] ?? 0, end))
    const sealer = await createSealer(keys, { epochIndex: 0 })
    const envelopes = await sealer.seal(EnvelopeKind.update, pieces, { birth })
    const parts = await Promise.all(envelopes.map((envelope) => openEnvelope(keys, envelope)))
    expect(sameBytes(joinParts(parts), body), `cut at ${cuts}`).toBe(true)
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
