import { createHmac } from 'node:crypto'
import { SignJWT } from 'jose'

/** Short: who is removed loses access this soon. The page asks for new ones before. */
const TOKEN_LIFETIME_SECONDS = 10 * 60

export interface IssuedTokens {
  relayToken: string
  keysToken: string
  expiresInSeconds: number
}

/** The two access tokens of design §1: another audience, another secret, and good for one document. */
export interface AccessTokens {
  issue(name: string, documentName: string): Promise<IssuedTokens>
}

export function createAccessTokens(secrets: { relaySecret: Uint8Array; keysSecret: Uint8Array }): AccessTokens {
  const { relaySecret, keysSecret } = secrets
  // The relay needs to tell people apart, not to know them.
  const pseudonym = (name: string) =>
    createHmac('sha256', keysSecret).update('relay subject').update(name).digest('base64url').slice(0, 22)

  return {
    async issue(name, documentName) {
      const [relayToken, keysToken] = await Promise.all([
        token({ role: 'write', rooms: [documentName] }, 'y-sealed-relay', pseudonym(name), relaySecret),
        token({ role: 'write', documents: [documentName] }, 'y-sealed-keys', name, keysSecret),
      ])
      return { relayToken, keysToken, expiresInSeconds: TOKEN_LIFETIME_SECONDS }
    },
  }
}

function token(claims: Record<string, unknown>, audience: string, subject: string, secret: Uint8Array) {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setAudience(audience)
    .setSubject(subject)
    .setIssuedAt()
    .setExpirationTime(`${TOKEN_LIFETIME_SECONDS}s`)
    .sign(secret)
}
