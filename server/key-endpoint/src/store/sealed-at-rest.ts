import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { KeyServerError } from '../key-server-error.ts'
import { lengthPrefixed } from '../length-prefixed.ts'
import { STORED } from '../methods/stored-keys.ts'

/** Where a sealed secret belongs: bound into it, so that rows cannot be swapped, nor be read as what they are not. */
export interface SecretPlace {
  readonly documentId: string
  readonly keyHint: string
  readonly origin: string
}

const LABEL = 'y-sealed/key-endpoint/v1/at-rest'
const VERSION = 2
/** Without an origin: all were `stored`. */
const VERSION_1 = 1
const CIPHER = 'aes-256-gcm'

/** GCM's own size. Random nonces under one key are sound for 2^32 sealings (NIST SP 800-38D §8.3), keys are far fewer. */
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** version 2 ‖ nonce(12) ‖ ciphertext ‖ tag(16), with version, document id, hint and origin as AAD. */
export function sealAtRest(key: Buffer, place: SecretPlace, secret: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(aadOf(VERSION, place))
  const sealed = [cipher.update(secret, 'utf8'), cipher.final()]
  return Buffer.concat([Buffer.of(VERSION), nonce, ...sealed, cipher.getAuthTag()])
}

/** @throws KeyServerError `store-damaged`, which says nothing else, if the row was changed or belongs elsewhere */
export function openAtRest(key: Buffer, place: SecretPlace, sealed: Uint8Array): string {
  const bytes = Buffer.from(sealed)
  const [version] = bytes
  const tagAt = bytes.length - TAG_BYTES
  const textAt = 1 + NONCE_BYTES
  const isKnown = version === VERSION || (version === VERSION_1 && place.origin === STORED)
  if (!isKnown || tagAt < textAt) throw unreadable()
  try {
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(1, textAt), { authTagLength: TAG_BYTES })
    decipher.setAAD(aadOf(version, place)).setAuthTag(bytes.subarray(tagAt))
    return Buffer.concat([decipher.update(bytes.subarray(textAt, tagAt)), decipher.final()]).toString('utf8')
  } catch {
    throw unreadable()
  }
}

function aadOf(version: number, { documentId, keyHint, origin }: SecretPlace): Buffer {
  const parts = version === VERSION_1 ? [documentId, keyHint] : [documentId, keyHint, origin]
  return Buffer.concat([Buffer.from(LABEL), Buffer.of(version), ...parts.map(lengthPrefixed)])
}

function unreadable(): Error {
  return new KeyServerError('store-damaged', 'a stored key cannot be opened')
}
