import { parseDocumentId } from '@y-sealed/key-client/contract'
import type { Request } from 'express'
import { errors, type JWTPayload, jwtVerify } from 'jose'
import { AuthenticationError, type Authorize, isRole, type Role } from './authorize.ts'

/** The audience of tokens for key endpoints. A relay's tokens carry another, and each side refuses the other's. */
export const KEYS_AUDIENCE = 'y-sealed-keys'

/** RFC 7518 §3.2: an HS256 secret is at least as long as the hash. */
const MIN_SECRET_BYTES = 32

const BEARER = /^Bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/i

export interface AccessTokenOptions {
  /** The HS256 secret, at least 32 bytes; a string counts in UTF-8. It must not be the relay's. */
  readonly secret: string | Uint8Array
}

/**
 * Authorises by `Authorization: Bearer`, a JWT (HS256) with `aud: "y-sealed-keys"`, `exp`, `sub`, `role` read, write or
 * admin and, optionally, `documents`: the ids it is good for, or prefixes that end in `*`.
 * @throws TypeError for a secret that is too short
 */
export function accessTokens({ secret }: AccessTokenOptions): Authorize {
  const key = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret
  if (!(key instanceof Uint8Array) || key.length < MIN_SECRET_BYTES) {
    const got = key instanceof Uint8Array ? key.length : typeof key
    throw new TypeError(`accessTokens: the secret must have at least ${MIN_SECRET_BYTES} bytes; got ${got}`)
  }
  return async (request, { documentId }) => {
    const { subject, role, documents } = parseClaims(await verify(bearerToken(request), key))
    return covers(documents, documentId) ? { subject, role } : null
  }
}

function bearerToken(request: Request): string {
  const token = BEARER.exec(request.headers.authorization ?? '')?.[1]
  if (token === undefined) throw new AuthenticationError('no bearer token')
  return token
}

async function verify(token: string, key: Uint8Array): Promise<JWTPayload> {
  try {
    const options = { algorithms: ['HS256'], audience: KEYS_AUDIENCE, requiredClaims: ['sub', 'exp'] }
    return (await jwtVerify(token, key, options)).payload
  } catch (error) {
    if (error instanceof errors.JOSEError) throw new AuthenticationError(error.code)
    throw error
  }
}

interface Claims {
  readonly subject: string
  readonly role: Role
  readonly documents: readonly string[] | undefined
}

function parseClaims({ aud, sub, role, documents }: JWTPayload): Claims {
  // A token for both would let the relay, which is shown it, fetch keys.
  if (Array.isArray(aud) && aud.length !== 1) throw new AuthenticationError('more than one audience')
  if (typeof sub !== 'string' || sub === '') throw new AuthenticationError('no subject')
  if (!isRole(role)) throw new AuthenticationError('no role')
  if (documents === undefined) return { subject: sub, role, documents }
  if (!Array.isArray(documents) || !documents.every(isDocumentPattern)) throw new AuthenticationError('bad documents')
  return { subject: sub, role, documents }
}

function isDocumentPattern(value: unknown): value is string {
  try {
    return parseDocumentId(value) !== ''
  } catch {
    return false
  }
}

function covers(patterns: readonly string[] | undefined, documentId: string): boolean {
  if (!patterns) return true
  return patterns.some((pattern) =>
    pattern.endsWith('*') ? documentId.startsWith(pattern.slice(0, -1)) : documentId === pattern,
  )
}
