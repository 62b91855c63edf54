import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { CompactEncrypt, compactDecrypt } from 'jose'

const ENCRYPTION = 'A256GCM'

/** RSA keys that are shorter are within reach of states. */
const MIN_RSA_BITS = 3_072

/** A JWE (RFC 7516) for who has the private key: any library for it opens the file, ours is not needed. */
export async function sealEscrow(publicKeyPem: string, lines: readonly object[]): Promise<string> {
  const key = readKey(() => createPublicKey(publicKeyPem), 'a public key')
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  return await new CompactEncrypt(new TextEncoder().encode(text))
    .setProtectedHeader({ alg: algorithmOf(key), enc: ENCRYPTION, typ: 'y-sealed-keys' })
    .encrypt(key)
}

/** The lines of an escrow file. Rejects without a word of what is in it. */
export async function openEscrow(privateKeyPem: string, sealed: string): Promise<string> {
  const key = readKey(() => createPrivateKey(privateKeyPem), 'a private key')
  try {
    const { plaintext } = await compactDecrypt(sealed.trim(), key, {
      keyManagementAlgorithms: [algorithmOf(key)],
      contentEncryptionAlgorithms: [ENCRYPTION],
    })
    return new TextDecoder().decode(plaintext)
  } catch {
    throw new Error('the escrow file cannot be opened with this private key')
  }
}

function readKey(read: () => KeyObject, what: string): KeyObject {
  try {
    return read()
  } catch {
    throw new Error(`expected ${what} in PEM`)
  }
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  if (asymmetricKeyType === 'ec') return 'ECDH-ES+A256KW'
  if (asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA_BITS) return 'RSA-OAEP-256'
  throw new Error(`expected an elliptic key (P-256), or RSA of ${MIN_RSA_BITS} bits`)
}
