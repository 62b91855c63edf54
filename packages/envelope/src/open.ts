import { EnvelopeKind, parseHeader } from '@y-sealed/protocol/header'
import { aadOf, nonceOf } from './aead-input.ts'
import { EnvelopeError, malformed, parsing } from './envelope-error.ts'
import type { EpochKeys } from './epoch-keys.ts'
import { unpad } from './padding.ts'
import { PART_BODY_BYTES } from './parts.ts'
import { type Birth, PREFIX_BYTES, parseBirth, parsePlaintext } from './plaintext.ts'

/** One opened envelope. */
export interface Opened {
  kind: EnvelopeKind
  epochIndex: number
  /** 16 bytes; with the kind, it names the sealer's stream. */
  salt: Uint8Array
  counter: number
  /** Kind 1: the next part of this update follows. Kind 2: not the last chunk. Such a body is only for `joinParts`. */
  more: boolean
  /** Not the first part, not the first chunk. Such a body is only for `joinParts`. */
  continues: boolean
  padded: boolean
  repair: boolean
  birth?: Birth
  codec: 1
  /** Without birth and padding; in parts and chunks, a slice of the padded whole. */
  body: Uint8Array
  final: boolean
}

export interface OpenOptions {
  /** Kind 2 only: this is the last chunk. It is in the nonce, so a wrong answer opens nothing. */
  final?: boolean
  /** Kind 5 only: the place in the local store from which the bytes were read. */
  slot?: string
}

// The largest header, one whole part, the tag.
const MAX_WIRE_ENVELOPE_BYTES = 1 + 5 + 16 + 4 + PREFIX_BYTES + PART_BODY_BYTES + 16

/**
 * Opens one envelope. Throws EnvelopeError: `malformed` and `unsupported` for bytes that no sealer of this version makes,
 * `open-failed` for a tag that does not verify, whatever the reason: other key, document, epoch, kind, place, edited bytes.
 */
export async function openEnvelope(keys: EpochKeys, envelope: Uint8Array, options: OpenOptions = {}): Promise<Opened> {
  const header = parsing(() => parseHeader(envelope))
  const { kind, counter } = header
  const final = options.final ?? false
  // The kind is the bytes' claim, so bytes that claim another one than the place they came from are at fault.
  if (final && kind !== EnvelopeKind.checkpoint) throw malformed('only checkpoints have a final chunk')
  if ((kind === EnvelopeKind.local) !== (options.slot !== undefined))
    throw malformed('kind 5, and no other, has a slot')
  const local = kind === EnvelopeKind.local || kind === EnvelopeKind.crossTab
  if (!local && envelope.length > MAX_WIRE_ENVELOPE_BYTES) throw malformed('envelope longer than a part')

  const aad = aadOf(keys.epochId, envelope.subarray(0, header.headerBytes), options.slot)
  const key = await keys.openingKey(kind, header.salt)
  const plaintext = await key.open(nonceOf(counter, final), aad, envelope.subarray(header.headerBytes))
  if (plaintext === undefined) throw new EnvelopeError('open-failed', 'bytes', 'envelope does not open')

  const { flags, content } = parsePlaintext(kind, counter, plaintext)
  const checkpoint = kind === EnvelopeKind.checkpoint
  const more = checkpoint ? !final : flags.more
  const continues = checkpoint ? counter > 1 : flags.continues
  const whole = flags.padded && !more && !continues ? unpad(content) : content
  const { birth, body } = flags.birth ? parseBirth(whole) : { birth: undefined, body: whole }
  return {
    kind,
    epochIndex: header.epochIndex,
    salt: header.salt,
    counter,
    more,
    continues,
    padded: flags.padded,
    repair: flags.repair,
    ...(birth && { birth }),
    codec: 1,
    body,
    final,
  }
}
