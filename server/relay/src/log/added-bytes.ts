import type { NewChunk, NewRun } from './log-store.ts'

/** What these runs add to a document. */
export function runBytes(runs: readonly Pick<NewRun, 'body'>[]): number {
  return runs.reduce((sum, { body }) => sum + body.length, 0)
}

/** What these chunks add to it. */
export function chunkBytes(chunks: readonly Pick<NewChunk, 'envelope'>[]): number {
  return chunks.reduce((sum, { envelope }) => sum + envelope.length, 0)
}
