import type { MessageCodec } from './codec/message.ts'
import { type Append, append, type Stage, stage } from './messages/append.ts'
import { type AwarenessUp, awarenessUp } from './messages/awareness.ts'
import { type Fetch, fetch } from './messages/checkpoint.ts'
import { type CheckpointsUp, checkpointsUp } from './messages/checkpoints.ts'
import { type Compact, compact } from './messages/compact.ts'
import { type Hello, hello } from './messages/greeting.ts'
import { type Join, join, type Leave, leave } from './messages/join.ts'
import { type Lease, lease, type Pause, pause, type Release, release } from './messages/lease.ts'
import { type Open, open } from './messages/open.ts'
import { type Read, read } from './messages/read.ts'
import { type Ping, ping, type Refresh, refresh } from './messages/upkeep.ts'

/** Everything a client says. */
export type Up =
  | Hello
  | Join
  | Leave
  | Stage
  | Append
  | Open
  | Read
  | AwarenessUp
  | Refresh
  | Ping
  | Lease
  | Release
  | Pause
  | Fetch
  | Compact
  | CheckpointsUp

export const upCodecs: { readonly [T in Up['type']]: MessageCodec<Extract<Up, { type: T }>> } = {
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
