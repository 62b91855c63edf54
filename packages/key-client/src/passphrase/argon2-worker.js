// JavaScript, because a worker is named by its file, and sources and build need one name for it.
import { argon2id } from '@noble/hashes/argon2.js'

/** @param {MessageEvent<import('./derive.ts').Argon2Question>} event */
globalThis.onmessage = ({ data: { password, salt, memoryKiB, passes, keyBytes } }) => {
  const key = argon2id(password, salt, { m: memoryKiB, t: passes, p: 1, dkLen: keyBytes })
  password.fill(0)
  globalThis.postMessage(key)
}
