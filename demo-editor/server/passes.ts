import { createHash } from 'node:crypto'
import { EncryptJWT, jwtDecrypt } from 'jose'

const AUDIENCE = 'y-sealed-demo'
/** A working day: the pass names a person and opens nothing by itself. */
const PASS_LIFETIME = '12h'

/**
 * What a tab keeps of its sign-in across a reload. Sealed, not only signed: it lies in the browser's storage, where the name of
 * a person should not be readable either.
 */
export interface Passes {
  issue(name: string): Promise<string>
  /** The name, or nothing for a pass that is not ours, edited or expired. */
  read(pass: unknown): Promise<string | undefined>
}

export function createPasses(secret: Uint8Array): Passes {
  const key = createHash('sha256').update('y-sealed demo pass').update(secret).digest()
  return {
    issue: (name) =>
      new EncryptJWT({ name })
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .setAudience(AUDIENCE)
        .setExpirationTime(PASS_LIFETIME)
        .encrypt(key),
    async read(pass) {
      if (typeof pass !== 'string') return undefined
      try {
        const { payload } = await jwtDecrypt(pass, key, {
          audience: AUDIENCE,
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
        })
        return typeof payload.name === 'string' ? payload.name : undefined
      } catch {
        return undefined
      }
    },
  }
}
