import * as Y from 'yjs'
import { sealCheckpoint } from '../../../packages/provider/src/checkpoint/seal-checkpoint.ts'
import type { CheckpointCost } from './answers.ts'
import { withStallWatch } from './longest-stall.ts'
import { benchKeys } from './seal-and-open.ts'

// Texts that take turns: what is typed into one cannot join what was typed before, so that the document is one of many small pieces.
const TEXTS = 100
const WORDS = 'some words on a bench '
// What such a piece takes in an encoded document.
const BYTES_PER_PIECE = 33
const HASH = new Uint8Array(32)

/** What a checkpoint of a document of about this size costs a page. */
export async function checkpointCost(bytes: number): Promise<CheckpointCost> {
  const doc = new Y.Doc()
  const texts = Array.from({ length: TEXTS }, (_, index) => doc.getText(`text ${index}`))
  doc.transact(() => {
    for (let piece = 0; piece * BYTES_PER_PIECE < bytes; piece++) {
      const text = texts[piece % TEXTS]
      text?.insert(text.length, WORDS)
    }
  })
  const startMs = performance.now()
  const update = Y.encodeStateAsUpdate(doc)
  const encodeMs = performance.now() - startMs
  const keys = await benchKeys()
  const manifest = { sequence: 1, hash: HASH, previous: undefined, digest: HASH, unixMs: Date.now() }
  const { elapsedMs, longestStallMs } = await withStallWatch(() =>
    sealCheckpoint({
      keys,
      epochIndex: 0,
      padding: true,
      clock: { now: () => Date.now(), setTimeout: () => 0, clearTimeout: () => {} },
      manifest,
      update,
    }),
  )
  return { stateBytes: update.length, encodeMs, sealMs: elapsedMs, longestSealStallMs: longestStallMs }
}
