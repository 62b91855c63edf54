import {
  createSealer,
  EnvelopeKind,
  encodeWitnessBody,
  openEnvelope,
  parseWitnessBody,
  type Witness,
} from '@y-sealed/envelope'
import { expect, it } from 'vitest'
import { birth, deriveKeys, errorOf } from './fixtures.ts'

const witness: Witness = {
  sequence: 300,
  hash: new Uint8Array(32).fill(1),
  checkpoint: new Uint8Array(32).fill(2),
  unixMs: 1_790_000_000_000,
}
const longest: Witness = { ...witness, sequence: Number.MAX_SAFE_INTEGER, unixMs: 2 ** 48 - 1 }

it('[ENV-31] a witness survives, whether or not it names a checkpoint', () => {
  for (const checkpoint of [witness.checkpoint, undefined]) {
    for (const sequence of [0, 127, 128, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      for (const unixMs of [0, 2 ** 32 - 1, 2 ** 32, 2 ** 48 - 1]) {
        const stated = { ...witness, checkpoint, sequence, unixMs }
        expect(parseWitnessBody(encodeWitnessBody(stated))).toEqual(stated)
      }
    }
  }
})

it('[ENV-31] a witness that ends early or goes on is malformed', async () => {
  const body = encodeWitnessBody(witness)
  for (let bytes = 0; bytes < body.length; bytes++) {
    expect((await errorOf(() => parseWitnessBody(body.subarray(0, bytes)))).code, `${bytes} bytes`).toBe('malformed')
  }
  for (const more of [0, 0x80]) {
    expect((await errorOf(() => parseWitnessBody(Uint8Array.of(...body, more)))).code).toBe('malformed')
  }
})

it('[ENV-31] what no reader would read back is not written', async () => {
  const wrong: Partial<Witness>[] = [
    ...[-1, 0.5, Number.NaN, 2 ** 53].map((sequence) => ({ sequence })),
    ...[-1, 0.5, Number.NaN, 2 ** 48].map((unixMs) => ({ unixMs })),
    ...[31, 33].map((bytes) => new Uint8Array(bytes).fill(1)).flatMap((hash) => [{ hash }, { checkpoint: hash }]),
    { checkpoint: new Uint8Array(32) },
  ]
  for (const changes of wrong) {
    expect((await errorOf(() => encodeWitnessBody({ ...witness, ...changes }))).code).toBe('caller')
  }
})

it('[ENV-31] a kept witness does not change with the bytes it was read from, Buffers included', () => {
  const body = Buffer.concat([Buffer.from('before'), encodeWitnessBody(witness)]).subarray(6)
  const parsed = parseWitnessBody(body)
  body.fill(0)
  expect(parsed).toEqual(witness)
})

it('[ENV-14] [ENV-31] a witness arrives, and its size tells nothing: with a birth or without, the longest and the shortest', async () => {
  const keys = await deriveKeys()
  const sealer = await createSealer(keys, { epochIndex: 0 })
  const far = { ...birth, sequence: Number.MAX_SAFE_INTEGER }
  const shortest = { ...witness, checkpoint: undefined, sequence: 0, unixMs: 0 }
  const sizes: number[] = []
  for (const [stated, options] of [
    [longest, { birth: far }],
    [longest, {}],
    [shortest, {}],
  ] as const) {
    const [envelope] = await sealer.seal(EnvelopeKind.witness, encodeWitnessBody(stated), options)
    sizes.push(envelope!.length)
    const opened = await openEnvelope(keys, envelope!)
    expect(parseWitnessBody(opened.body)).toEqual(stated)
    expect(opened.birth).toEqual(options.birth)
  }
  expect(new Set(sizes).size).toBe(1)
})
