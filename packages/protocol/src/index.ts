export * from './checkpoint-hash.ts'
export {
  type CloseAction,
  type CloseName,
  type CloseReason,
  closeAction,
  closeReasonFor,
  closeReasons,
} from './close-codes.ts'
export type { Down } from './down.ts'
export { ProtocolError, type ProtocolErrorCode } from './errors.ts'
export { encodeEntries, encodeFrame, isForeignFrame, parseDownFrame, parseUpBlocks, parseUpFrame } from './frame.ts'
export * from './header.ts'
export * from './limits.ts'
export * from './log-hash.ts'
export type { Ack, Append, Stage, Staged } from './messages/append.ts'
export type { AwarenessDown, AwarenessUp, Left } from './messages/awareness.ts'
export type { Checkpoint, Fetch } from './messages/checkpoint.ts'
export type { CheckpointsDown, CheckpointsUp } from './messages/checkpoints.ts'
export type { Compact, Compacted } from './messages/compact.ts'
export { type Entry, type EntryBlock, entryCount, envelopeBytes, type NewBlock } from './messages/entry.ts'
export type { Hello, Incompatible, Welcome } from './messages/greeting.ts'
export type { Join, Joined, Leave } from './messages/join.ts'
export {
  type Lease,
  type Leased,
  type LeasePurpose,
  leasePurposes,
  type Pause,
  type Paused,
  type Release,
  type Released,
} from './messages/lease.ts'
export type { NewRecord, Open, Opened } from './messages/open.ts'
export type { Place } from './messages/place.ts'
export type { CaughtUp, Entries, Read } from './messages/read.ts'
export type { Records } from './messages/records.ts'
export { type RefusalCode, type Refused, refusalCodes } from './messages/refused.ts'
export type { Access, Closed, Heartbeat, Ping, Pong, Recheck, Refresh } from './messages/upkeep.ts'
export { type RecordLinks, recordLinks } from './record-links.ts'
export { MAX_RETURN_MS, returnAdvice, withReturnAdvice } from './return-advice.ts'
export type { Up } from './up.ts'
export {
  MIN_PROTOCOL_VERSION,
  negotiateVersion,
  PROTOCOL_VERSION,
  SUPPORTED_VERSIONS,
  type VersionRange,
} from './version.ts'
