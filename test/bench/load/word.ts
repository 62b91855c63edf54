/** What a load client types: who, the how manieth, and when, in the bytes of an envelope that no relay looks at. */
export interface Word {
  readonly member: number
  readonly number: number
  /** ms on the clock that all processes of a machine share. */
  readonly typedAtMs: number
}

const WORD_BYTES = 4 + 4 + 8

// Behind the header: one byte, the epoch 0, a salt, and a counter of which each byte but the last has its high bit.
const COUNTER_AT = 2 + 16
const MORE = 0x80

export function encodeWord({ member, number, typedAtMs }: Word): Uint8Array {
  const bytes = Buffer.alloc(WORD_BYTES)
  bytes.writeUInt32BE(member, 0)
  bytes.writeUInt32BE(number, 4)
  bytes.writeDoubleBE(typedAtMs, 8)
  return bytes
}

/** The word in an envelope of another load client. */
export function wordOf(envelope: Uint8Array): Word {
  let at = COUNTER_AT
  while ((envelope[at] ?? 0) & MORE) at++
  const bytes = Buffer.from(envelope.buffer, envelope.byteOffset + at + 1, WORD_BYTES)
  return { member: bytes.readUInt32BE(0), number: bytes.readUInt32BE(4), typedAtMs: bytes.readDoubleBE(8) }
}

export function nowMs(): number {
  return performance.timeOrigin + performance.now()
}
