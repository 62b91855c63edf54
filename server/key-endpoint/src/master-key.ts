import { createHmac, randomBytes } from 'node:crypto'
import { existsSync, linkSync, readFileSync, rmSync } from 'node:fs'
import { writeDurably } from './durable-file.ts'
import { KeyServerError } from './key-server-error.ts'

/** AES-256. */
const MASTER_KEY_BYTES = 32

export function createMasterKey(): Buffer {
  return randomBytes(MASTER_KEY_BYTES)
}

/** 32 bytes in base64 and a newline, as `openssl rand -base64 32` prints. */
export function readMasterKey(path: string): Buffer {
  if (!existsSync(path)) {
    throw new KeyServerError('master-key-missing', `${path} is missing: without it no issued key can be read`)
  }
  const text = readFileSync(path, 'utf8').trim()
  const master = Buffer.from(text, 'base64')
  if (master.length !== MASTER_KEY_BYTES || master.toString('base64') !== text) {
    throw new KeyServerError('master-key-invalid', `${path} does not hold ${MASTER_KEY_BYTES} bytes in base64`)
  }
  return master
}

/** Makes the file if there is none. Of processes that start at once one wins, and all go on with its key. */
export function readOrCreateMasterKey(path: string): Buffer {
  if (!existsSync(path)) {
    const draft = `${path}.${process.pid}`
    writeDurably(draft, `${createMasterKey().toString('base64')}\n`)
    try {
      // Unlike a rename, a link never replaces a file, and unlike a write it is never seen half done.
      linkSync(draft, path)
    } catch (error) {
      if (!existsSync(path)) throw error
    } finally {
      rmSync(draft, { force: true })
    }
  }
  return readMasterKey(path)
}

/** Tells, without the master key, which one a database belongs to. */
export function masterKeyFingerprint(master: Buffer): string {
  return createHmac('sha256', master).update('y-sealed/key-endpoint/v1/master-key').digest('base64url')
}
