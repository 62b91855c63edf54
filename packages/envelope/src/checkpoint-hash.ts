import { engine } from '#engine'
import { concat } from './bytes.ts'
import { label } from './label.ts'

/** Names a checkpoint by its sealed chunks, in order: `SHA-256(L"checkpoint" ‖ SHA-256(chunk 1) ‖ …)`. */
export function checkpointHash(chunks: readonly Uint8Array[]): Uint8Array {
  return engine.sha256(concat(label('checkpoint'), ...chunks.map((chunk) => engine.sha256(chunk))))
}
