import { channel, oneOf, optional, requestOrNone, varBytes, varString } from '../codec/field.ts'
import { defineMessage } from '../codec/message.ts'
import { MAX_DETAIL_BYTES, MAX_RECORD_BYTES } from '../limits.ts'

/** Each code: the condition; what the client does. New codes go to the end, their place is their number on the wire. */
export const refusalCodes = [
  /** The request's epoch is not the head; take the record, ask for its key, seal again. */
  'stale-epoch',
  /** A rotation is about to finish; wait and send the same envelopes again. */
  'paused',
  /** A salt that is not this session's, or a counter that does not follow; new sealer, catch up, seal again. */
  'out-of-order',
  /** Too much at once, or the document is full; send less, or keep the outbox and say so. */
  'limit',
  /** The token does not allow to write, or to rotate; go on without. */
  'write-denied',
  /** An envelope or record that has no place in the log; a fault of the client. */
  'malformed',
  /** No such channel (any more); join again. */
  'unknown-channel',
  /** The relay could not store it; catch up, then try again. */
  'internal',
  /** The lease is somebody else's, or not this session's any more; wait for the new epoch, or try again. */
  'busy',
  /** The relay has no such checkpoint, or no such chunk of it. */
  'unknown',
  /** Another checkpoint is the newest, or the log at its place is another; look again. */
  'stale-checkpoint',
  /** Some of it is not kept any more; open from a checkpoint. */
  'pruned',
] as const

export type RefusalCode = (typeof refusalCodes)[number]

/** The request was not carried out, nothing of it is stored, and nothing of it stays staged. */
export interface Refused {
  readonly type: 'refused'
  readonly channel: number
  readonly request: number
  readonly code: RefusalCode
  /** One sentence for a developer; never shown to a user, never parsed. */
  readonly detail: string
  /** The head record, with `stale-epoch`. */
  readonly record?: Uint8Array
}

export const refused = defineMessage<Refused>('refused', 0x49, {
  channel,
  request: requestOrNone,
  code: oneOf(refusalCodes),
  detail: varString(0, MAX_DETAIL_BYTES),
  record: optional(varBytes(1, MAX_RECORD_BYTES)),
})
