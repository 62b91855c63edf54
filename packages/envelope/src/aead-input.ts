import { concat, lengthPrefixed, u64be } from './bytes.ts'
import { misuse } from './envelope-error.ts'
import { label } from './label.ts'
import { encodeText, isWellFormed } from './text.ts'

const AAD_LABEL = label('aad')

// What a 16-bit length prefix holds.
const MAX_SLOT_BYTES = 0xffff

/** The AEAD nonce: `final(1) ‖ 000000 ‖ u64be counter`. Unique because a subkey belongs to one kind and one sealer salt. */
export function nonceOf(counter: number, final: boolean): Uint8Array {
  return concat(Uint8Array.of(final ? 1 : 0, 0, 0, 0), u64be(BigInt(counter)))
}

/** `L"aad" ‖ epochId ‖ header (‖ lp(slot))`. A slot names the place in the local store and belongs to kind 5 only. */
export function aadOf(epochId: Uint8Array, header: Uint8Array, slot: string | undefined): Uint8Array {
  const bound = concat(AAD_LABEL, epochId, header)
  return slot === undefined ? bound : concat(bound, encodeSlot(slot))
}

/** Throws EnvelopeError `caller` for a name that has no encoding. */
export function encodeSlot(slot: string): Uint8Array {
  if (!isWellFormed(slot)) throw misuse('slot: well-formed Unicode')
  const name = encodeText(slot)
  if (name.length > MAX_SLOT_BYTES) throw misuse(`slot: at most ${MAX_SLOT_BYTES} bytes`)
  return lengthPrefixed(name)
}
