import { bool, channel, hash8OrEmpty, oneOf, optional, sequence, uint, varString } from '../codec/field.ts'
import { defineMessage } from '../codec/message.ts'
import { MAX_NUMBER, MAX_REASON_BYTES, MAX_TOKEN_BYTES } from '../limits.ts'

/** A new access token before the old one runs out; the session goes on. Answered by `access`, or by `closed` if it is not valid. */
export interface Refresh {
  readonly type: 'refresh'
  readonly channel: number
  readonly token: string
}

/**
 * What the session may do from here on, and how long. Follows `joined` where it says more than that, and answers each
 * `refresh`: also one that could not be looked at, and has changed nothing.
 */
export interface Access {
  readonly type: 'access'
  readonly channel: number
  readonly role: 'read' | 'write'
  /** Whether it may open the epoch after the present one. */
  readonly mayRotate: boolean
  /** How long the token lasts, by the relay's clock: ask for another one before. Absent: as long as the session. */
  readonly lifeMs?: number
}

/** Is anybody there? Browsers cannot send WebSocket pings, and a dead network is silent. */
export interface Ping {
  readonly type: 'ping'
  readonly nonce: number
}

export interface Pong {
  readonly type: 'pong'
  /** The ping's. */
  readonly nonce: number
}

/** Head and H from the store: 5 s after a change, then every 60 s. What differs is read again. */
export interface Heartbeat {
  readonly type: 'heartbeat'
  readonly channel: number
  readonly sequence: number
  /** The first 8 bytes of H; empty where the document has no epoch yet. */
  readonly hash: Uint8Array
}

/** Somebody may have changed which key is current: a member looks at its endpoint, soon, and at most once a minute. */
export interface Recheck {
  readonly type: 'recheck'
  readonly channel: number
}

/** The relay ends one channel; the connection and its other channels go on. */
export interface Closed {
  readonly type: 'closed'
  readonly channel: number
  /** A close code (close-codes.ts). */
  readonly code: number
  readonly reason: string
}

export const refresh = defineMessage<Refresh>('refresh', 0x18, {
  channel,
  token: varString(0, MAX_TOKEN_BYTES),
})

export const access = defineMessage<Access>('access', 0x57, {
  channel,
  role: oneOf(['read', 'write']),
  mayRotate: bool,
  // Timers end at 2^31 - 1 ms, which is 24 days; what lasts longer may as well be asked for again by then.
  lifeMs: optional(uint(0, MAX_NUMBER)),
})

export const ping = defineMessage<Ping>('ping', 0x19, { nonce: uint(0, MAX_NUMBER) })

export const pong = defineMessage<Pong>('pong', 0x4e, { nonce: uint(0, MAX_NUMBER) })

export const heartbeat = defineMessage<Heartbeat>('heartbeat', 0x4c, { channel, sequence, hash: hash8OrEmpty })

export const closed = defineMessage<Closed>('closed', 0x4d, {
  channel,
  // RFC 6455 §7.4: codes of endpoints and applications.
  code: uint(1000, 4999),
  reason: varString(0, MAX_REASON_BYTES),
})

export const recheck = defineMessage<Recheck>('recheck', 0x54, { channel })
