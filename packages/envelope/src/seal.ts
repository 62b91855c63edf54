import { type EnvelopeKind, encodeHeader } from '@y-sealed/protocol/header'
import { aadOf, nonceOf } from './aead-input.ts'
import { concat } from './bytes.ts'
import type { SealingKey } from './engine/engine.ts'

/** Everything that decides the bytes of one envelope, except the key. */
export interface Unsealed {
  kind: EnvelopeKind
  epochId: Uint8Array
  epochIndex: number
  salt: Uint8Array
  counter: number
  final: boolean
  slot?: string | undefined
  readonly plaintext: Uint8Array
}

/** Never call these twice for one (key, counter, final): only a sealer, which takes the counter first, may. */
export async function sealEnvelope(key: SealingKey, unsealed: Unsealed): Promise<Uint8Array> {
  const { header, nonce, aad } = inputs(unsealed)
  return concat(header, await key.seal(nonce, aad, unsealed.plaintext))
}

export function sealEnvelopeNow(key: SealingKey, unsealed: Unsealed): Uint8Array {
  const { header, nonce, aad } = inputs(unsealed)
  return concat(header, key.sealNow(nonce, aad, unsealed.plaintext))
}

function inputs(unsealed: Unsealed) {
  const header = encodeHeader(unsealed)
  return {
    header,
    nonce: nonceOf(unsealed.counter, unsealed.final),
    aad: aadOf(unsealed.epochId, header, unsealed.slot),
  }
}
