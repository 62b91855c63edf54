export { EnvelopeKind } from '@y-sealed/protocol/header'
export {
  type AwarenessBody,
  encodeAwarenessBody,
  isCurrentAwareness,
  MAX_AWARENESS_AGE_MS,
  parseAwarenessBody,
} from './awareness-body.ts'
export { equalBytes } from './bytes.ts'
export { type CheckpointManifest, encodeCheckpointBody, parseCheckpointBody } from './checkpoint-body.ts'
export { checkpointHash } from './checkpoint-hash.ts'
export { type DocumentKey, isWeakKey, MAX_DOCUMENT_KEY_BYTES, parseDocumentKey } from './document-key.ts'
export type { Engine, OpeningKey, Root, SealingKey } from './engine/engine.ts'
export { EnvelopeError, type EnvelopeErrorCode, type Fault } from './envelope-error.ts'
export {
  deriveEpochKeys,
  type EpochKeys,
  type EpochParameters,
  MAX_DOCUMENT_ID_BYTES,
  MAX_KEY_HINT_UNITS,
  NONCE_BYTES,
} from './epoch-keys.ts'
export { createEpochRecord, type EpochRecordFields, recordHash, verifyEpochRecord } from './epoch-record.ts'
export { fingerprint } from './fingerprint.ts'
export type { Body } from './layout.ts'
export { concatInTurns, mapInTurns, nextTurn } from './next-turn.ts'
export { type Opened, type OpenOptions, openEnvelope } from './open.ts'
export { type EpochRecord, parseEpochRecord } from './parse-epoch-record.ts'
export { bodiesOf, cut, joinParts, PART_BODY_BYTES } from './parts.ts'
export type { Birth } from './plaintext.ts'
export { createSealer, type Sealer, type SealerOptions, type SealOptions } from './sealer.ts'
export { sha256OfMany } from './sha256-of-many.ts'
export { encodeWitnessBody, parseWitnessBody, type Witness } from './witness-body.ts'
