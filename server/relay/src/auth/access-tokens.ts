import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { Access, Authorize } from './authorize.ts'
import { remoteKeys } from './remote-keys.ts'

/** A token made for the key endpoint must not open the relay, nor the other way round (design §1). */
export const RELAY_AUDIENCE = 'y-sealed-relay'

// RFC 7518 §3.2: an HS256 key has at least the size of the hash.
const MIN_SECRET_BYTES = 32

/** Clocks of two operators differ; the design allows them a minute. */
export const CLOCK_TOLERANCE_MS = 60_000

/** Whoever reads a key set can check tokens and not make them: a secret has no place in one, and neither has `none`. */
const PUBLIC_KEY_ALGORITHMS = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS512',
]

const SECRET_WARNING =
  'access tokens are checked with a secret: if the key endpoint has the same one, or its operator can read it, there is no end-to-end encryption'

export type AccessTokenOptions = (
  | {
      /** HS256, at least 32 bytes; a string counts in UTF-8. It must not be the key endpoint's. */
      secret: string | Uint8Array
    }
  | {
      /** Where the issuer publishes its public keys: https, or http on loopback. */
      jwksUrl: string
    }
) & {
  /** The `iss` that tokens must have; default: any. */
  issuer?: string
}

type Verify = (token: string) => Promise<JWTPayload>

/**
 * Access tokens as JWT: `aud` "y-sealed-relay" and no other, `exp`, `sub`, `role` "read" or "write", optionally `rooms` (a
 * list of room names, or of prefixes that end in `*`), `rotate` (false: a writer that opens no next epoch), `tenant` and `iat`. Signed with a
 * secret that the application and the relay share, or with a key of a key set (JWKS) that the relay fetches.
 * Throws TypeError for a secret that is too short or a URL that is not safe.
 */
export function accessTokens(options: AccessTokenOptions): Authorize {
  const verify =
    'secret' in options ? bySecret(options.secret, options.issuer) : byKeySet(options.jwksUrl, options.issuer)
  const authorize: Authorize = async (token, { room }) => {
    const claims = await claimsOf(token, verify)
    return claims && coversRoom(claims.rooms, room) ? accessOf(claims) : null
  }
  return 'secret' in options ? Object.assign(authorize, { warning: SECRET_WARNING }) : authorize
}

function bySecret(secret: string | Uint8Array, issuer: string | undefined): Verify {
  const key = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret
  if (key.length < MIN_SECRET_BYTES) {
    throw new TypeError(`secret: expected at least ${MIN_SECRET_BYTES} bytes; got ${key.length}`)
  }
  const expected = expectedClaims(issuer, ['HS256'])
  return async (token) => (await jwtVerify(token, key, expected)).payload
}

function byKeySet(jwksUrl: string, issuer: string | undefined): Verify {
  const keys: JWTVerifyGetKey = remoteKeys(jwksUrl)
  const expected = expectedClaims(issuer, PUBLIC_KEY_ALGORITHMS)
  return async (token) => (await jwtVerify(token, keys, expected)).payload
}

function expectedClaims(issuer: string | undefined, algorithms: string[]) {
  return {
    algorithms,
    audience: RELAY_AUDIENCE,
    requiredClaims: ['sub', 'exp'],
    clockTolerance: CLOCK_TOLERANCE_MS / 1000,
    ...(issuer !== undefined && { issuer }),
  }
}

/** Whatever is wrong with a token, the client learns only that it is not valid here. Throws where that could not be found out. */
async function claimsOf(token: string, verify: Verify): Promise<JWTPayload | null> {
  try {
    return await verify(token)
  } catch (error) {
    if (isWordOnToken(error)) return null
    throw error
  }
}

/** What jose says of a token; all else (a key set that cannot be had) says nothing of it. */
function isWordOnToken(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return false
  if (!(error instanceof errors.JOSEError)) return false
  return error.code !== errors.JOSEError.code
}

function accessOf({ aud, sub, role, rotate, tenant, exp, iat }: JWTPayload): Access | null {
  // A token for both would let the relay, which is shown it, fetch keys.
  if (Array.isArray(aud) && aud.length !== 1) return null
  if (typeof sub !== 'string' || (role !== 'read' && role !== 'write') || exp === undefined) return null
  if (rotate !== undefined && typeof rotate !== 'boolean') return null
  if (tenant !== undefined && typeof tenant !== 'string') return null
  return {
    subject: sub,
    role,
    mayRotate: rotate ?? true,
    endsAtUnixMs: exp * 1000,
    ...(tenant !== undefined && { tenant }),
    ...(iat !== undefined && { issuedAtUnixMs: iat * 1000 }),
  }
}

function coversRoom(rooms: unknown, room: string): boolean {
  if (rooms === undefined) return true
  if (!Array.isArray(rooms)) return false
  return rooms.some((name) => {
    if (typeof name !== 'string') return false
    return name.endsWith('*') ? room.startsWith(name.slice(0, -1)) : room === name
  })
}
