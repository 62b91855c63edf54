import { engine } from '#engine'

/** SHA-256, 32 bytes, of what may have megabytes: a page answers its user while they are hashed. */
export function sha256OfMany(bytes: Uint8Array): Promise<Uint8Array> {
  return engine.sha256OfMany(bytes)
}
