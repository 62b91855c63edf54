import type { MessageCodec } from './codec/message.ts'
import { type Append, append, appendBlock, type Stage, stage, stageBlock } from './messages/append.ts'
import { type AwarenessUp, awarenessUp } from './messages/awareness.ts'
import { type Fetch, fetch } from './messages/checkpoint.ts'
import { type CheckpointsUp, checkpointsUp } from './messages/checkpoints.ts'
import { type Compact, compact, compactBlock } from './messages/compact.ts'
import type { Entry, NewBlock } from './messages/entry.ts'
import { type Hello, hello } from './messages/greeting.ts'
import { type Join, join, type Leave, leave } from './messages/join.ts'
import { type Lease, lease, type Pause, pause, type Release, release } from './messages/lease.ts'
import { type Open, open, openBlock } from './messages/open.ts'
import { type Read, read } from './messages/read.ts'
import { type Ping, ping, type Refresh, refresh } from './messages/upkeep.ts'

/** Everything a client says. */
export type Up<Entries = Entry[]> =
  | Hello
  | Join
  | Leave
  | Stage<Entries>
  | Append<Entries>
  | Open<Entries>
  | Read
  | AwarenessUp
  | Refresh
  | Ping
  | Lease
  | Release
  | Pause
  | Fetch
  | Compact<Entries>
  | CheckpointsUp

type Codecs<M extends { readonly type: string }> = { readonly [T in M['type']]: MessageCodec<Extract<M, { type: T }>> }

export const upCodecs: Codecs<Up> = {
  hello,
  join,
  leave,
  stage,
  append,
  open,
  read,
  awareness: awarenessUp,
  refresh,
  ping,
  lease,
  release,
  pause,
  fetch,
  compact,
  checkpoints: checkpointsUp,
}

/** For who does not need the entries of a message one by one. */
export const upBlockCodecs: Codecs<Up<NewBlock>> = {
  ...upCodecs,
  stage: stageBlock,
  append: appendBlock,
  open: openBlock,
  compact: compactBlock,
}
