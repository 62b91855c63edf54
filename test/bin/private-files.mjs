// @ts-check
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'

// As many bytes as HS256 has output; a longer secret adds nothing.
const SECRET_BYTES = 32

/** @param {string} path */
export function ensurePrivateFolder(path) {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  chmodSync(path, 0o700)
  return path
}

/**
 * A file with one random secret in base64url, made once and then kept, readable by its owner only.
 * @param {string} path
 */
export function ensureSecretFile(path) {
  try {
    writeFileSync(path, `${randomBytes(SECRET_BYTES).toString('base64url')}\n`, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error
    chmodSync(path, 0o600)
  }
  return path
}
