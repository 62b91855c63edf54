import {
  type CheckpointManifest,
  createSealer,
  EnvelopeKind,
  encodeCheckpointBody,
  joinParts,
  openEnvelope,
  parseCheckpointBody,
} from '@y-sealed/envelope'
import { expect, it } from 'vitest'
import { bodyOf, deriveKeys, errorOf, hex, sameBytes, text } from './fixtures.ts'

const manifest: CheckpointManifest = {
  sequence: 300,
  hash: new Uint8Array(32).fill(1),
  previous: new Uint8Array(32).fill(2),
  digest: new Uint8Array(32).fill(3),
  unixMs: 1_790_000_000_000,
}
const update = text('bytes of a Yjs update')
const joined = (pieces: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(pieces))

it('[ENV-30] a manifest and its update survive, with a checkpoint before it and without', () => {
  for (const previous of [manifest.previous, undefined]) {
    for (const sequence of [0, 127, 128, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      for (const unixMs of [0, 2 ** 32 - 1, 2 ** 32, 2 ** 48 - 1]) {
        const stated = { ...manifest, previous, sequence, unixMs }
        expect(parseCheckpointBody(joined(encodeCheckpointBody(stated, update)))).toEqual({
          manifest: stated,
          update,
        })
      }
    }
  }
})

it('[ENV-30] a body that ends before the first byte of its update is malformed, wherever it ends', async () => {
  const body = joined(encodeCheckpointBody(manifest, Uint8Array.of(9)))
  for (let bytes = 0; bytes < body.length; bytes++) {
    expect((await errorOf(() => parseCheckpointBody(body.subarray(0, bytes)))).code, `${bytes} bytes`).toBe('malformed')
  }
  expect(parseCheckpointBody(body).update).toEqual(Uint8Array.of(9))
})

it('[ENV-30] what no reader would read back is not written', async () => {
  const short = new Uint8Array(31).fill(1)
  const long = new Uint8Array(33).fill(1)
  const wrong: Partial<CheckpointManifest>[] = [
    ...[-1, 0.5, Number.NaN, 2 ** 53].map((sequence) => ({ sequence })),
    ...[-1, 0.5, Number.NaN, 2 ** 48].map((unixMs) => ({ unixMs })),
    ...[short, long].flatMap((hash) => [{ hash }, { previous: hash }, { digest: hash }]),
    { previous: new Uint8Array(32) },
  ]
  for (const changes of wrong) {
    expect((await errorOf(() => encodeCheckpointBody({ ...manifest, ...changes }, update))).code).toBe('caller')
  }
  expect((await errorOf(() => encodeCheckpointBody(manifest, new Uint8Array(0)))).code).toBe('caller')
})

it('[ENV-30] a kept manifest does not change with the bytes it was read from, Buffers included', () => {
  const body = Buffer.concat([Buffer.from('before'), ...encodeCheckpointBody(manifest, update)]).subarray(6)
  const parsed = parseCheckpointBody(body)
  expect(hex(parsed.update)).toBe(hex(update))
  body.fill(0)
  expect(parsed.manifest).toEqual(manifest)
})

it.each([
  { chunkCount: 1, updateBytes: 1 },
  { chunkCount: 1, updateBytes: 262_000 },
  { chunkCount: 2, updateBytes: 262_144 },
  { chunkCount: 3, updateBytes: 700_000 },
])('[ENV-16] [ENV-30] a checkpoint of $updateBytes bytes comes back out of $chunkCount sealed chunks', async (size) => {
  const keys = await deriveKeys()
  for (const padding of [true, false]) {
    const sealer = await createSealer(keys, { epochIndex: 0, wire: false, padding })
    const state = bodyOf(size.updateBytes)
    const chunks = await sealer.seal(EnvelopeKind.checkpoint, encodeCheckpointBody(manifest, state))
    expect(chunks.length).toBe(size.chunkCount)
    const opened = await Promise.all(
      chunks.map((chunk, at) => openEnvelope(keys, chunk, { final: at === chunks.length - 1 })),
    )
    const parsed = parseCheckpointBody(joinParts(opened))
    expect(parsed.manifest).toEqual(manifest)
    expect(sameBytes(parsed.update, state)).toBe(true)
    // Who wants to know only when a checkpoint was made opens one chunk.
    expect(parseCheckpointBody(opened[0]!.body).manifest).toEqual(manifest)
  }
})

it('[ENV-10] [ENV-16] a checkpoint without its last chunk, or with another as the last, is none', async () => {
  const keys = await deriveKeys()
  const sealer = await createSealer(keys, { epochIndex: 0, wire: false })
  const chunks = await sealer.seal(EnvelopeKind.checkpoint, encodeCheckpointBody(manifest, bodyOf(700_000)))
  const [first, second, last] = chunks
  for (const [chunk, final] of [
    [first, true],
    [second, true],
    [last, false],
  ] as const) {
    expect((await errorOf(() => openEnvelope(keys, chunk!, { final }))).code).toBe('open-failed')
  }
  const opened = await Promise.all(chunks.map((chunk) => openEnvelope(keys, chunk, { final: chunk === last })))
  for (const [a, b] of [opened.slice(0, 2), opened.slice(1), [opened[0]!, opened[2]!]]) {
    expect((await errorOf(() => joinParts([a!, b!]))).code).toBe('malformed')
  }
})

it('[ENV-16] chunks of two checkpoints are not joined', async () => {
  const keys = await deriveKeys()
  const [a, b] = await Promise.all(
    [1, 2].map(async () => {
      const sealer = await createSealer(keys, { epochIndex: 0, wire: false })
      const chunks = await sealer.seal(EnvelopeKind.checkpoint, encodeCheckpointBody(manifest, bodyOf(300_000)))
      return Promise.all(chunks.map((chunk, at) => openEnvelope(keys, chunk, { final: at === 1 })))
    }),
  )
  expect((await errorOf(() => joinParts([a![0]!, b![1]!]))).code).toBe('malformed')
})
