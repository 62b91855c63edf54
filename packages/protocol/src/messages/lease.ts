import { channel, hash32, oneOf, request, sequence, uint } from '../codec/field.ts'
import { defineMessage } from '../codec/message.ts'
import { MAX_NUMBER } from '../limits.ts'

/** Each place is a number on the wire: new ones go to the end. */
export const leasePurposes = ['rotate', 'checkpoint'] as const

export type LeasePurpose = (typeof leasePurposes)[number]

/**
 * Asks for the document's one lease. What is then staged under this request's number stays staged beside the session's
 * appends, until an `open` or `compact` of the same number takes it. Answered by `leased`, or `refused`: `busy` (somebody
 * holds it), `stale-epoch` (another head: what was wanted is done). A rotation is granted it over somebody else's checkpoint:
 * who shuts a member out does not wait for an upload.
 */
export interface Lease {
  readonly type: 'lease'
  readonly channel: number
  readonly request: number
  readonly purpose: LeasePurpose
  /** recordHash (32 bytes) of the head that is to be replaced, or whose log a checkpoint is to cover. */
  readonly head: Uint8Array
}

/** The lease is this session's until it is silent for so long, or releases it, or ends. */
export interface Leased {
  readonly type: 'leased'
  readonly channel: number
  readonly request: number
  /** Every byte that arrives from the holder's connection begins it anew. */
  readonly leaseMs: number
}

/** Gives up lease and pause, if held, and drops what is staged under the lease. Answered by `released`. */
export interface Release {
  readonly type: 'release'
  readonly channel: number
  readonly request: number
}

export interface Released {
  readonly type: 'released'
  readonly channel: number
  readonly request: number
}

/**
 * Holds back everybody's appends, the holder's too, for the last step of a rotation: at most 5 s, and until `open`,
 * `release` or the holder's end. Answered by `paused`, or `refused`: `busy` (the lease is not this session's), `limit`
 * (its last pause ran out less than 30 s ago).
 */
export interface Pause {
  readonly type: 'pause'
  readonly channel: number
  readonly request: number
}

/** Everything through `sequence` is durable, and nothing follows it while the pause lasts. */
export interface Paused {
  readonly type: 'paused'
  readonly channel: number
  readonly request: number
  readonly sequence: number
  /** H there, whole (32 bytes): what the next record and `open` name. */
  readonly hash: Uint8Array
}

export const lease = defineMessage<Lease>('lease', 0x1a, {
  channel,
  request,
  purpose: oneOf(leasePurposes),
  head: hash32,
})

export const leased = defineMessage<Leased>('leased', 0x4f, { channel, request, leaseMs: uint(1, MAX_NUMBER) })

export const release = defineMessage<Release>('release', 0x1b, { channel, request })

export const released = defineMessage<Released>('released', 0x50, { channel, request })

export const pause = defineMessage<Pause>('pause', 0x1c, { channel, request })

export const paused = defineMessage<Paused>('paused', 0x51, { channel, request, sequence, hash: hash32 })
