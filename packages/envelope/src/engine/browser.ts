import type { Engine, SealingKey } from './engine.ts'
import { nobleSealingKey } from './noble.ts'
import { createWebCryptoEngine, webCryptoSealingKey } from './webcrypto.ts'

// Above this WebCrypto is faster in spite of its round trip (at 64 B 5 µs against 30, at 1 MiB 1.5 ms against 28);
// below it, noble seals within the task in which the edit happened.
const NOBLE_MAX_BYTES = 4096

/**
 * WebCrypto for all that comes in and for bulk; noble for small outbound envelopes and for the synchronous flush while a
 * page unloads.
 */
export const browserEngine: Engine = createWebCryptoEngine('browser', async (raw) => {
  const small = nobleSealingKey(raw)
  const bulk = await webCryptoSealingKey(raw)
  const key: SealingKey = {
    seal: (nonce, aad, plaintext) => (plaintext.length <= NOBLE_MAX_BYTES ? small : bulk).seal(nonce, aad, plaintext),
    sealNow: small.sealNow,
    forget: () => {
      small.forget()
      bulk.forget()
    },
  }
  return key
})

export const engine: Engine = browserEngine
