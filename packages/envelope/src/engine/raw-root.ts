import { type Engine, hold, KEY_BYTES, type Root } from './engine.ts'

const NO_SALT = new Uint8Array(0)

/** K_epoch as bytes in memory, for the engines that have no key handle of their own. */
export function rawRoot(engine: Pick<Engine, 'hkdf' | 'hmac' | 'sealingKey' | 'openingKey'>, secret: Uint8Array): Root {
  const held = hold(secret.slice(), (bytes) => bytes.fill(0))
  const bits = async (info: Uint8Array) => engine.hkdf(held.get(), NO_SALT, info, KEY_BYTES)

  async function withKey<T>(info: Uint8Array, use: (key: Uint8Array) => Promise<T>): Promise<T> {
    const key = await bits(info)
    try {
      return await use(key)
    } finally {
      key.fill(0)
    }
  }

  return {
    bits,
    hmac: (info, bytes) => withKey(info, (key) => engine.hmac(key, bytes)),
    sealingKey: (info) => withKey(info, engine.sealingKey),
    openingKey: (info) => withKey(info, engine.openingKey),
    forget: held.forget,
  }
}
