import { EnvelopeKind, encodeVarint, readVarint } from '@y-sealed/protocol/header'
import { concat } from './bytes.ts'
import { malformed, misuse, parsing, unsupported } from './envelope-error.ts'

/** What a wire sealer saw of the log when it was made: the newest sequence and the running hash H there (32 bytes). */
export interface Birth {
  sequence: number
  hash: Uint8Array
}

/** The flags byte, which stands first in every plaintext (protocol §3). */
export interface Flags {
  /** 1: 0x80 and zeros follow the body; in parts, the body of the joined parts. */
  padded: boolean
  /** 2: the next part of this update follows. */
  more: boolean
  /** 4: heals the log; the sealer is not the author. */
  repair: boolean
  /** 8: the body begins with `varint sequence ‖ H(32)`. */
  birth: boolean
  /** 16: not the first part of its update. */
  continues: boolean
}

export const HASH_BYTES = 32

/** Yjs 13, update encoding V1. 2 is reserved for Yjs 14. */
export const CODEC_YJS13_V1 = 1

/** flags and codec */
export const PREFIX_BYTES = 2

export function encodeBirth(birth: Birth): Uint8Array {
  if (birth.hash.length !== HASH_BYTES) throw misuse(`birth: H has ${HASH_BYTES} bytes`)
  if (!Number.isSafeInteger(birth.sequence) || birth.sequence < 0) throw misuse('birth: sequence out of range')
  return concat(encodeVarint(birth.sequence), birth.hash)
}

export function parseBirth(content: Uint8Array): { birth: Birth; body: Uint8Array } {
  const sequence = parsing(() => readVarint(content, 0))
  const end = sequence.end + HASH_BYTES
  if (end > content.length) throw malformed('body ends inside its birth')
  return { birth: { sequence: sequence.value, hash: content.slice(sequence.end, end) }, body: content.subarray(end) }
}

export function encodePlaintext(flags: Flags, content: Uint8Array): Uint8Array {
  const bits =
    (flags.padded ? 1 : 0) |
    (flags.more ? 2 : 0) |
    (flags.repair ? 4 : 0) |
    (flags.birth ? 8 : 0) |
    (flags.continues ? 16 : 0)
  return concat(Uint8Array.of(bits, CODEC_YJS13_V1), content)
}

/** Parses flags and codec of an opened plaintext; which flags a kind may have is part of the format. */
export function parsePlaintext(
  kind: EnvelopeKind,
  counter: number,
  plaintext: Uint8Array,
): { flags: Flags; content: Uint8Array } {
  const [bits, codec] = plaintext
  if (bits === undefined || codec === undefined) throw malformed('plaintext too short')
  if (bits > 31) throw unsupported('unknown flags')
  if (codec !== CODEC_YJS13_V1) throw unsupported(`codec ${codec}`)
  const flags: Flags = {
    padded: (bits & 1) !== 0,
    more: (bits & 2) !== 0,
    repair: (bits & 4) !== 0,
    birth: (bits & 8) !== 0,
    continues: (bits & 16) !== 0,
  }
  const update = kind === EnvelopeKind.update
  if ((flags.more || flags.repair || flags.continues) && !update) throw malformed('a flag of updates elsewhere')
  if (flags.birth && !((update || kind === EnvelopeKind.witness) && counter === 1)) throw malformed('misplaced birth')
  if (flags.continues && counter === 1) throw malformed('counter 1 continues nothing')
  return { flags, content: plaintext.subarray(PREFIX_BYTES) }
}
