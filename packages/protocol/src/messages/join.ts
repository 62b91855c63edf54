import { bool, channel, hash8OrEmpty, hash32, oneOf, optional, sequence, varString } from '../codec/field.ts'
import { defineMessage } from '../codec/message.ts'
import { MAX_ROOM_BYTES, MAX_TOKEN_BYTES } from '../limits.ts'
import { params } from './params.ts'
import { type Place, place } from './place.ts'
import { recordList } from './records.ts'

/** Opens a channel: one session in one room. Answered by `joined` or `closed`. */
export interface Join {
  readonly type: 'join'
  /** Chosen by the client, not in use on this connection. */
  readonly channel: number
  /** 1..1,024 bytes of UTF-8. */
  readonly room: string
  /** Access token for this room, or "". Never in a URL, where proxies would log it. */
  readonly token: string
  /** For the relay's `auth` function; what y-websocket puts into the query. */
  readonly params: Record<string, string>
  /** recordHash (32 bytes) of the newest epoch record that the client holds; absent = none. */
  readonly head?: Uint8Array
  /** The last sequence that the client has applied without a gap; 0 = none. */
  readonly cursor: number
  /** The first 8 bytes of H at the cursor; empty where the client holds no record. */
  readonly hash: Uint8Array
  /** Reads what the relay stores and holds no keys: never counted as a member, never asked to append. */
  readonly observe: boolean
}

/** Ends a channel. What is staged on it is dropped, and its number is free again. Not answered. */
export interface Leave {
  readonly type: 'leave'
  readonly channel: number
}

/** The session exists. Live entries follow from here on, so that nothing falls between catching up and live. */
export interface Joined {
  readonly type: 'joined'
  readonly channel: number
  /** Names this session to the others of the room while it lasts. */
  readonly session: number
  readonly role: 'read' | 'write'
  /** The last sequence of the log; 0 = empty. */
  readonly sequence: number
  /** The first 8 bytes of H there; empty where the document has no epoch yet. */
  readonly hash: Uint8Array
  /** The relay's H at the client's cursor has the same 8 bytes, and it knows the client's head record. */
  readonly confirmed: boolean
  /** Some entry through this sequence is not kept any more; a cursor at or after it can be served whole. 0 = all are kept. */
  readonly pruned: number
  /** The newest checkpoint of the head epoch, the one with which it began among them; absent = it has none. */
  readonly newest?: Place
  /** The newest that counts as named, else the one the epoch began with; absent = the epoch's start, which was empty. */
  readonly base?: Place
  /**
   * Epoch records after the client's, oldest first; all of them where it named none or an unknown one. Too many for one
   * message: the older ones came before, as `records`.
   */
  readonly records: Uint8Array[]
}

export const join = defineMessage<Join>('join', 0x11, {
  channel,
  room: varString(1, MAX_ROOM_BYTES),
  token: varString(0, MAX_TOKEN_BYTES),
  params,
  head: optional(hash32),
  cursor: sequence,
  hash: hash8OrEmpty,
  observe: bool,
})

export const leave = defineMessage<Leave>('leave', 0x12, { channel })

export const joined = defineMessage<Joined>(
  'joined',
  0x42,
  {
    channel,
    session: sequence,
    role: oneOf(['read', 'write']),
    sequence,
    hash: hash8OrEmpty,
    confirmed: bool,
    pruned: sequence,
    newest: optional(place),
    base: optional(place),
    records: recordList,
  },
  ({ newest, base }) => {
    if (!base) return undefined
    if (!newest) return 'expected no base where there is no newest'
    return base.sequence > newest.sequence
      ? `expected base at most at ${newest.sequence}, got ${base.sequence}`
      : undefined
  },
)
