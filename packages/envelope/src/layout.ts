import { EnvelopeKind } from '@y-sealed/protocol/header'
import { concat } from './bytes.ts'
import { EnvelopeError } from './envelope-error.ts'
import { pad, paddedBytes } from './padding.ts'
import { cut } from './parts.ts'
import { type Birth, encodeBirth, encodePlaintext, PREFIX_BYTES } from './plaintext.ts'

/** What one envelope of a body seals, and whether its nonce says final. */
export interface Sheet {
  plaintext: Uint8Array
  final: boolean
}

/**
 * Lays one body out as the plaintexts of one envelope, of the parts of an update or of the chunks of a checkpoint
 * (protocol §3). Throws EnvelopeError `limit` for an awareness state or a witness that does not fit one envelope.
 */
export function layOut(
  kind: EnvelopeKind,
  body: Uint8Array,
  options: { padding: boolean; repair?: boolean; birth?: Birth | undefined },
): Sheet[] {
  const { padding, repair = false, birth } = options
  const content = birth === undefined ? body : concat(encodeBirth(birth), body)
  // Flags and codec count once into the padded size, although every part repeats them.
  const padded = padding ? pad(content, paddedBytes(kind, PREFIX_BYTES + content.length + 1) - PREFIX_BYTES) : content
  const checkpoint = kind === EnvelopeKind.checkpoint
  const slices = slicesOf(kind, padded)
  return slices.map((slice, at) => {
    const first = at === 0
    const last = at === slices.length - 1
    const flags = {
      padded: padding,
      more: !last && !checkpoint,
      repair,
      birth: first && birth !== undefined,
      continues: !first && !checkpoint,
    }
    return { plaintext: encodePlaintext(flags, slice), final: last && checkpoint }
  })
}

function slicesOf(kind: EnvelopeKind, content: Uint8Array): Uint8Array[] {
  // They never travel, so no frame bounds them.
  if (kind === EnvelopeKind.local || kind === EnvelopeKind.crossTab) return [content]
  const slices = cut(content)
  if (slices.length === 1 || kind === EnvelopeKind.update || kind === EnvelopeKind.checkpoint) return slices
  throw new EnvelopeError('limit', 'caller', 'awareness and witnesses are not cut into parts')
}
