import { checkpointHash as envelopeCheckpointHash } from '@y-sealed/envelope'
import { checkpointHash, chunkHash } from '@y-sealed/protocol'
import { expect, it } from 'vitest'
import { fromHex, readVectors, toHex } from './vectors.ts'

interface CheckpointVector {
  name: string
  chunks: { envelope: string; hash: string }[]
  checkpoint: string
}

const { checkpoints } = readVectors<{ checkpoints: CheckpointVector[] }>('checkpoint')

it.each(checkpoints)('[WIRE-45] $name: the hash of each chunk, and of all', ({ chunks, checkpoint }) => {
  const hashes = chunks.map(({ envelope }) => chunkHash(fromHex(envelope)))
  expect(hashes.map(toHex)).toEqual(chunks.map(({ hash }) => hash))
  expect(toHex(checkpointHash(hashes))).toBe(checkpoint)
})

it.each(checkpoints)('[WIRE-45] $name: what the relay computes is what members put into a record', (vector) => {
  const envelopes = vector.chunks.map(({ envelope }) => fromHex(envelope))
  expect(toHex(envelopeCheckpointHash(envelopes))).toBe(vector.checkpoint)
})

it('[WIRE-45] the order counts, and only whole hashes do', () => {
  const [first, second] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
  expect(checkpointHash([first, second])).not.toEqual(checkpointHash([second, first]))
  expect(() => checkpointHash([first, second.subarray(1)])).toThrow(RangeError)
})
