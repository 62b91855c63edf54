import { channel, list, varBytes } from '../codec/field.ts'
import { defineMessage } from '../codec/message.ts'
import { MAX_RECORD_BYTES, MAX_RECORDS } from '../limits.ts'

/** Epoch records that do not fit into the `joined` that follows; they are older than those in it. */
export interface Records {
  readonly type: 'records'
  readonly channel: number
  /** Oldest first, as in `joined`. */
  readonly records: Uint8Array[]
}

/** Epoch records of one message, oldest first. */
export const recordList = list(varBytes(1, MAX_RECORD_BYTES), 0, MAX_RECORDS)

export const records = defineMessage<Records>('records', 0x53, { channel, records: recordList })
