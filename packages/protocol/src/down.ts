import type { MessageCodec } from './codec/message.ts'
import { type Ack, ack, type Staged, staged } from './messages/append.ts'
import { type AwarenessDown, awarenessDown, type Left, left } from './messages/awareness.ts'
import { type Checkpoint, checkpoint } from './messages/checkpoint.ts'
import { type CheckpointsDown, checkpointsDown } from './messages/checkpoints.ts'
import { type Compacted, compacted } from './messages/compact.ts'
import { type Incompatible, incompatible, type Welcome, welcome } from './messages/greeting.ts'
import { type Joined, joined } from './messages/join.ts'
import { type Leased, leased, type Paused, paused, type Released, released } from './messages/lease.ts'
import { type NewRecord, newRecord, type Opened, opened } from './messages/open.ts'
import { type CaughtUp, caughtUp, type Entries, entriesMessage } from './messages/read.ts'
import { type Records, records } from './messages/records.ts'
import { type Refused, refused } from './messages/refused.ts'
import {
  type Access,
  access,
  type Closed,
  closed,
  type Heartbeat,
  heartbeat,
  type Pong,
  pong,
  type Recheck,
  recheck,
} from './messages/upkeep.ts'

/** Everything a relay says. */
export type Down =
  | Welcome
  | Incompatible
  | Joined
  | Entries
  | CaughtUp
  | Staged
  | Ack
  | Opened
  | NewRecord
  | Refused
  | AwarenessDown
  | Left
  | Heartbeat
  | Closed
  | Pong
  | Leased
  | Released
  | Paused
  | Checkpoint
  | Records
  | Recheck
  | Compacted
  | CheckpointsDown
  | Access

export const downCodecs: { readonly [T in Down['type']]: MessageCodec<Extract<Down, { type: T }>> } = {
  welcome,
  incompatible,
  joined,
  entries: entriesMessage,
  'caught-up': caughtUp,
  staged,
  ack,
  opened,
  record: newRecord,
  refused,
  awareness: awarenessDown,
  left,
  heartbeat,
  closed,
  pong,
  leased,
  released,
  paused,
  checkpoint,
  records,
  recheck,
  compacted,
  checkpoints: checkpointsDown,
  access,
}
