import { type Field, struct, uint, varString } from '../codec/field.ts'
import { defineMessage } from '../codec/message.ts'
import {
  type Limits,
  MAX_AGENT_BYTES,
  MAX_APPEND_BYTES,
  MAX_CHANNELS,
  MAX_ENVELOPE_BYTES,
  MAX_FRAME_ENVELOPE_BYTES,
  MAX_NUMBER,
} from '../limits.ts'
import type { VersionRange } from '../version.ts'

/** The first message of a connection, alone in its frame. Its layout is the same in every version of the protocol. */
export interface Hello extends VersionRange {
  readonly type: 'hello'
  /** Name and version of the client for the operator's log, at most 64 bytes. */
  readonly agent: string
}

/** The relay's first message: the version both go on in, and what this relay allows. */
export interface Welcome {
  readonly type: 'welcome'
  readonly version: number
  readonly limits: Limits
}

/** The relay's first and last message: it speaks none of the client's versions. Its layout never changes either. */
export interface Incompatible extends VersionRange {
  readonly type: 'incompatible'
}

/** "y-sealed" in ASCII: nothing else that opens a WebSocket to this port begins like this by accident. */
export const helloMagic = Uint8Array.of(0x79, 0x2d, 0x73, 0x65, 0x61, 0x6c, 0x65, 0x64)

const version = uint(1, MAX_NUMBER)

/** The magic is not a field of the message: it stands before the first version and is checked, never returned. */
const magicThenVersion: Field<number> = {
  shape: `magic y-sealed, ${version.shape}`,
  read(reader) {
    for (const expected of helloMagic) {
      if (reader.byte() !== expected) throw reader.malformed('expected the magic "y-sealed"')
    }
    return version.read(reader)
  },
  write(writer, value) {
    writer.bytes(helloMagic, helloMagic.length)
    version.write(writer, value)
  },
}

function emptyRange({ minVersion, maxVersion }: VersionRange): string | undefined {
  return minVersion > maxVersion ? `expected minVersion <= maxVersion, got ${minVersion} > ${maxVersion}` : undefined
}

export const hello = defineMessage<Hello>(
  'hello',
  0x10,
  { minVersion: magicThenVersion, maxVersion: version, agent: varString(0, MAX_AGENT_BYTES) },
  emptyRange,
)

export const welcome = defineMessage<Welcome>('welcome', 0x40, {
  version,
  limits: struct<Limits>({
    maxFrameEnvelopeBytes: uint(MAX_ENVELOPE_BYTES, MAX_FRAME_ENVELOPE_BYTES),
    maxAppendBytes: uint(MAX_ENVELOPE_BYTES, MAX_APPEND_BYTES),
    maxChannels: uint(1, MAX_CHANNELS),
  }),
})

export const incompatible = defineMessage<Incompatible>(
  'incompatible',
  0x41,
  { minVersion: version, maxVersion: version },
  emptyRange,
)
