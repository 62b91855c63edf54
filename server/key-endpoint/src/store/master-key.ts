import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, readFileSync, rmSync } from 'node:fs'
import { KeyServerError } from '../key-server-error.ts'
import { parseSecretKey, SECRET_KEY_BYTES } from '../secret-key.ts'
import { writeDurably } from './durable-file.ts'

/**
 * A key in a KMS: it wraps one key of 32 bytes, which then seals the document keys and is in this process's memory only. It is asked once
 * per start.
 */
export interface MasterKeyHook {
  /** Names the key in the KMS, not a secret; another id is another master key. */
  readonly id: string
  wrap(key: Uint8Array): PromiseLike<Uint8Array> | Uint8Array
  unwrap(wrapped: Uint8Array): PromiseLike<Uint8Array> | Uint8Array
}

/** 32 bytes, or a hook. */
export type MasterKey = Uint8Array | MasterKeyHook

export function createMasterKey(): Buffer {
  return randomBytes(SECRET_KEY_BYTES)
}

/** @throws KeyServerError `master-key-invalid`, which names `where` and quotes nothing */
export function parseMasterKey(where: string, text: string): Buffer {
  const key = parseSecretKey(text)
  if (typeof key === 'string') throw new KeyServerError('master-key-invalid', `${where} ${key}`)
  return key
}

/** 32 bytes in base64 and a newline, as `openssl rand -base64 32` prints. */
export function readMasterKey(path: string): Buffer {
  if (!existsSync(path)) {
    throw new KeyServerError('master-key-missing', `${path} is missing: without it no issued key can be read`)
  }
  return parseMasterKey(path, readFileSync(path, 'utf8'))
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
