import { channel, hash32, request } from '../codec/field.ts'
import { defineMessage } from '../codec/message.ts'
import { faultOfOrder, type Place, placeList } from './place.ts'

/** Asks which checkpoints of an epoch are kept. Answered by `checkpoints`, or `refused`, `unknown`: no such record. */
export interface CheckpointsUp {
  readonly type: 'checkpoints'
  readonly channel: number
  readonly request: number
  /** recordHash (32 bytes) of the epoch. */
  readonly record: Uint8Array
}

export interface CheckpointsDown {
  readonly type: 'checkpoints'
  readonly channel: number
  readonly request: number
  /** By sequence ascending, the newest 1,024 of them. */
  readonly places: Place[]
}

export const checkpointsUp = defineMessage<CheckpointsUp>('checkpoints', 0x1f, { channel, request, record: hash32 })

export const checkpointsDown = defineMessage<CheckpointsDown>(
  'checkpoints',
  0x56,
  { channel, request, places: placeList },
  ({ places }) => faultOfOrder(places),
)
