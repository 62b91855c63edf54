import { createHmac } from 'node:crypto'
import { SignJWT } from 'jose'
import type { Role } from './member-book.ts'

/** Short: who loses access loses it this soon, even if nobody closes the session. The page asks for new ones before. */
const RELAY_TOKEN_LIFETIME_MS = 10 * 60_000
/** Asked for with each question to the key endpoint, which is seldom. Whoever is removed can ask no longer than this. */
const KEYS_TOKEN_LIFETIME_MS = 10_000

export interface IssuedTokens {
  relayToken: string
  keysToken: string
  /** Of the relay's; the other is good for ten seconds. */
  expiresInSeconds: number
}

/** The two access tokens of design §1: another audience, another secret, and good for one document. */
export interface AccessTokens {
  issue(name: string, documentName: string, role: Role): Promise<IssuedTokens>
  /** The relay needs to tell people apart, not to know them. */
  pseudonym(name: string): string
  /** Unix ms: when the last token to the key endpoint that was issued to this person has run out. */
  keysTokensEndAt(name: string, documentName: string): number
}

export interface AccessTokenOptions {
  relaySecret: Uint8Array
  keysSecret: Uint8Array
  /** Whole seconds, in ms: for tests. */
  keysTokenLifetimeMs?: number
}

export function createAccessTokens(options: AccessTokenOptions): AccessTokens {
  const { relaySecret, keysSecret, keysTokenLifetimeMs = KEYS_TOKEN_LIFETIME_MS } = options
  const lastIssuedAt = new Map<string, number>()
  // A token of the process before this one may still be good.
  const startedAt = Date.now()
  const pseudonym = (name: string) =>
    createHmac('sha256', keysSecret).update('relay subject').update(name).digest('base64url').slice(0, 22)
  const nameOf = (name: string, documentName: string) => JSON.stringify([name, documentName])

  return {
    pseudonym,
    keysTokensEndAt: (name, documentName) =>
      (lastIssuedAt.get(nameOf(name, documentName)) ?? startedAt) + keysTokenLifetimeMs,
    async issue(name, documentName, role) {
      const [relayToken, keysToken] = await Promise.all([
        token({ role, rooms: [documentName] }, 'y-sealed-relay', pseudonym(name), relaySecret, RELAY_TOKEN_LIFETIME_MS),
        token({ role, documents: [documentName] }, 'y-sealed-keys', name, keysSecret, keysTokenLifetimeMs),
      ])
      const now = Date.now()
      for (const [key, at] of lastIssuedAt) if (now - at > keysTokenLifetimeMs) lastIssuedAt.delete(key)
      lastIssuedAt.set(nameOf(name, documentName), now)
      return { relayToken, keysToken, expiresInSeconds: RELAY_TOKEN_LIFETIME_MS / 1000 }
    },
  }
}

function token(
  claims: Record<string, unknown>,
  audience: string,
  subject: string,
  secret: Uint8Array,
  lifetimeMs: number,
) {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setAudience(audience)
    .setSubject(subject)
    .setIssuedAt()
    .setExpirationTime(`${lifetimeMs / 1000}s`)
    .sign(secret)
}
