import { jwtVerify } from 'jose'
import type { Authorize } from './authorize.ts'

/** A token made for the key endpoint must not open the relay, nor the other way round (design §1). */
export const RELAY_AUDIENCE = 'y-sealed-relay'

// RFC 7518 §3.2: an HS256 key has at least the size of the hash.
const MIN_SECRET_BYTES = 32

// Clocks of two operators differ; the design allows them a minute.
const CLOCK_TOLERANCE_S = 60

/**
 * Access tokens signed with a secret that the application and the relay share: JWT, HS256, `aud` "y-sealed-relay", `exp`, `sub`,
 * `role` "read" or "write", and optionally `rooms`, a list of room names or prefixes that end in `*`.
 * The secret must not be the key endpoint's. Throws TypeError for one that is shorter than 32 bytes.
 */
export function accessTokens({ secret }: { secret: string | Uint8Array }): Authorize {
  const key = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret
  if (key.length < MIN_SECRET_BYTES) throw new TypeError(`secret: expected at least ${MIN_SECRET_BYTES} bytes`)
  return async (token, { room }) => {
    const claims = await verifiedClaims(token, key)
    if (!claims) return null
    const { sub, role, rooms } = claims
    if (typeof sub !== 'string' || (role !== 'read' && role !== 'write')) return null
    return rooms === undefined || coversRoom(rooms, room) ? { subject: sub, role } : null
  }
}

async function verifiedClaims(token: string, key: Uint8Array): Promise<Record<string, unknown> | null> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['HS256'],
      audience: RELAY_AUDIENCE,
      requiredClaims: ['sub', 'exp'],
      clockTolerance: CLOCK_TOLERANCE_S,
    })
    return payload
  } catch {
    // Whatever is wrong with it, the client learns only that it is not valid here.
    return null
  }
}

function coversRoom(rooms: unknown, room: string): boolean {
  if (!Array.isArray(rooms)) return false
  return rooms.some((name) => {
    if (typeof name !== 'string') return false
    return name.endsWith('*') ? room.startsWith(name.slice(0, -1)) : room === name
  })
}
