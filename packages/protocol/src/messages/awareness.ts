import { channel, sequence, varBytes } from '../codec/field.ts'
import { defineMessage } from '../codec/message.ts'
import { MAX_AWARENESS_BYTES } from '../limits.ts'

/** A session's awareness for the others of its room. Never stored in the log; the relay keeps the last for joiners. */
export interface AwarenessUp {
  readonly type: 'awareness'
  readonly channel: number
  readonly envelope: Uint8Array
}

export interface AwarenessDown {
  readonly type: 'awareness'
  readonly channel: number
  /** Whose it is. */
  readonly session: number
  readonly envelope: Uint8Array
}

/** A session that had sent awareness is gone: its state ends now, not after Yjs' 30 s. */
export interface Left {
  readonly type: 'left'
  readonly channel: number
  readonly session: number
}

const envelope = varBytes(1, MAX_AWARENESS_BYTES)

export const awarenessUp = defineMessage<AwarenessUp>('awareness', 0x17, { channel, envelope })

export const awarenessDown = defineMessage<AwarenessDown>('awareness', 0x4a, {
  channel,
  session: sequence,
  envelope,
})

export const left = defineMessage<Left>('left', 0x4b, { channel, session: sequence })
