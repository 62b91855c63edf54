import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { KeyServerError } from './key-server-error.ts'

/** Where a sealed key belongs: bound into it, so that rows cannot be swapped. */
export interface KeyPlace {
  readonly documentId: string
  readonly keyHint: string
}

const LABEL = 'y-sealed/key-endpoint/v1/at-rest'
const VERSION = 1
const CIPHER = 'aes-256-gcm'

/** GCM's own size. Random nonces under one key are sound for 2^32 sealings (NIST SP 800-38D §8.3), keys are far fewer. */
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** version 1 ‖ nonce(12) ‖ ciphertext ‖ tag(16), with version, document id and hint as AAD. */
export function sealAtRest(master: Buffer, place: KeyPlace, key: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, master, nonce).setAAD(aadOf(place))
  const sealed = [cipher.update(key, 'utf8'), cipher.final()]
  return Buffer.concat([Buffer.of(VERSION), nonce, ...sealed, cipher.getAuthTag()])
}

/** @throws KeyServerError `store-damaged`, which says nothing else, if the master key is another, the row was changed or belongs elsewhere */
export function openAtRest(master: Buffer, place: KeyPlace, sealed: Uint8Array): string {
  const bytes = Buffer.from(sealed)
  const tagAt = bytes.length - TAG_BYTES
  const textAt = 1 + NONCE_BYTES
  if (bytes[0] !== VERSION || tagAt < textAt) throw unreadable()
  try {
    const decipher = createDecipheriv(CIPHER, master, bytes.subarray(1, textAt), { authTagLength: TAG_BYTES })
    decipher.setAAD(aadOf(place)).setAuthTag(bytes.subarray(tagAt))
    return Buffer.concat([decipher.update(bytes.subarray(textAt, tagAt)), decipher.final()]).toString('utf8')
  } catch {
    throw unreadable()
  }
}

function aadOf({ documentId, keyHint }: KeyPlace): Buffer {
  return Buffer.concat([Buffer.from(LABEL), Buffer.of(VERSION), lengthPrefixed(documentId), lengthPrefixed(keyHint)])
}

function lengthPrefixed(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8')
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

function unreadable(): Error {
  return new KeyServerError('store-damaged', 'a stored key cannot be opened')
}
