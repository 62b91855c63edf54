import { EnvelopeKind } from '@y-sealed/protocol/header'
import { asOne } from './bytes.ts'
import { EnvelopeError } from './envelope-error.ts'
import { paddedBytes, paddingOf } from './padding.ts'
import { cut } from './parts.ts'
import { type Birth, encodeBirth, encodePlaintext, type Flags, PREFIX_BYTES } from './plaintext.ts'

/** What one envelope of a body seals, and whether its nonce says final. */
export interface Sheet {
  /** How long the plaintext is. */
  readonly bytes: number
  /** Made when it is first asked for, and then the same for good. */
  readonly plaintext: Uint8Array
  readonly final: boolean
}

/** A body, or the pieces of one that stand behind each other. */
export type Body = Uint8Array | readonly Uint8Array[]

/**
 * Lays one body out as the plaintexts of one envelope, of the parts of an update or of the chunks of a checkpoint
 * (protocol §3). Throws EnvelopeError `limit` for an awareness state or a witness that does not fit one envelope.
 */
export function layOut(
  kind: EnvelopeKind,
  body: Body,
  options: { padding: boolean; repair?: boolean; birth?: Birth | undefined },
): Sheet[] {
  const { padding, repair = false, birth } = options
  const content = body instanceof Uint8Array ? [body] : [...body]
  if (birth !== undefined) content.unshift(encodeBirth(birth))
  if (padding) {
    // Flags and codec count once into the padded size, although every part repeats them.
    const bytes = PREFIX_BYTES + content.reduce((sum, { length }) => sum + length, 0)
    content.push(paddingOf(paddedBytes(kind, bytes + 1) - bytes))
  }
  const checkpoint = kind === EnvelopeKind.checkpoint
  const slices = slicesOf(kind, content)
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
    return sheetOf(flags, slice, last && checkpoint)
  })
}

/** Of a body of 20 MB each plaintext is made in the turn in which it is sealed: all in one would keep a page from its user. */
function sheetOf(flags: Flags, slice: Uint8Array, final: boolean): Sheet {
  let plaintext: Uint8Array | undefined
  return {
    bytes: PREFIX_BYTES + slice.length,
    get plaintext() {
      // Never made again, as what it is made of may have changed: that would be one counter, two texts.
      plaintext ??= encodePlaintext(flags, slice)
      return plaintext
    },
    final,
  }
}

function slicesOf(kind: EnvelopeKind, content: readonly Uint8Array[]): Uint8Array[] {
  // They never travel, so no frame bounds them.
  if (kind === EnvelopeKind.local || kind === EnvelopeKind.crossTab) return [asOne(content)]
  const slices = cut(...content)
  if (slices.length === 1 || kind === EnvelopeKind.update || kind === EnvelopeKind.checkpoint) return slices
  throw new EnvelopeError('limit', 'caller', 'awareness and witnesses are not cut into parts')
}
