import { randomBytes } from 'node:crypto'
import { checkpointHash, chunkHash, leafHash } from '@y-sealed/protocol'
import type { AppendResult, NewChunk, NewRun } from '../../server/relay/src/log/log-store.ts'
import { recordHash } from '../../server/relay/src/log/record-hash.ts'
import { encodeRunBody } from '../../server/relay/src/log/run-body.ts'

const NO_PROOF = new Uint8Array(0)

export function bytes(length: number): Uint8Array {
  return new Uint8Array(randomBytes(length))
}

export function run(salt: Uint8Array, firstCounter: number, count = 1, epochIndex = 0): NewRun {
  const entries = Array.from({ length: count }, () => ({ proof: NO_PROOF, envelope: bytes(40) }))
  const leaves = entries.map(({ proof, envelope }) => leafHash(proof, envelope))
  return { epochIndex, salt, firstCounter, count, body: encodeRunBody(entries), leaves }
}

/** The chunks of a checkpoint. */
export function chunksOf(count: number, epochIndex = 1, salt = bytes(16)): NewChunk[] {
  return Array.from({ length: count }, (_, i) => {
    const envelope = bytes(100)
    return { epochIndex, salt, counter: i + 1, envelope, hash: chunkHash(envelope) }
  })
}

/** What names these chunks as a checkpoint. */
export function nameOf(chunks: readonly NewChunk[]): Uint8Array {
  return checkpointHash(chunks.map(({ hash }) => hash))
}

export function record(index = 0) {
  const content = bytes(100)
  return { index, bytes: content, hash: recordHash(content) }
}

export function expectStored(result: AppendResult) {
  if (!result.stored) throw new Error(`refused: ${result.code}`)
  return result.commit
}
