import { ask, type KeyIn, type Role, ServerRefusal } from './demo-server.ts'

/** New tokens are asked for this long before the old ones expire: longer than a slow join. */
const RENEW_BEFORE_EXPIRY_MS = 60_000

/** A document's addresses and, whenever they are asked for, tokens that are still good. Kept in memory only. */
export interface Access {
  readonly name: string
  /** What the demo server is asked with. */
  readonly pass: string
  readonly role: Role
  readonly isOwner: boolean
  readonly keyIn: KeyIn
  readonly relayUrl: string
  readonly keysUrl: string
  relayToken(): Promise<string>
  /** Good for a few seconds: asked for with each question to the key endpoint. */
  keysToken(): Promise<string>
}

interface Grant {
  name: string
  role: Role
  isOwner: boolean
  keyIn: KeyIn
  relayUrl: string
  keysUrl: string
  relayToken: string
  keysToken: string
  expiresInSeconds: number
}

/**
 * @returns nothing where the pass is not (or no longer) good: sign in again
 * @throws ServerRefusal with 403 where this person may not open the document
 */
export async function openAccess(pass: string, document: string, keyIn: KeyIn): Promise<Access | undefined> {
  const request = () => ask<Grant>('/access', { pass, document, keyIn })
  let grant: Grant
  try {
    grant = await request()
  } catch (error) {
    if (error instanceof ServerRefusal && error.status === 401) return undefined
    throw error
  }
  let renewAtMs = renewalOf(grant)
  let renewal: Promise<void> | undefined

  const renew = async () => {
    grant = await request()
    renewAtMs = renewalOf(grant)
  }
  const renewed = async () => {
    renewal ??= renew().finally(() => {
      renewal = undefined
    })
    await renewal
    return grant
  }
  const { name, role, isOwner, keyIn: keptIn, relayUrl, keysUrl } = grant
  return {
    ...{ name, pass, role, isOwner, keyIn: keptIn, relayUrl, keysUrl },
    relayToken: async () => (performance.now() < renewAtMs ? grant : await renewed()).relayToken,
    keysToken: async () => (await renewed()).keysToken,
  }
}

const renewalOf = ({ expiresInSeconds }: Grant) => performance.now() + expiresInSeconds * 1000 - RENEW_BEFORE_EXPIRY_MS

/** Exchanges a name for a pass; nothing where the server does not take the name. */
export async function requestPass(name: string): Promise<string | undefined> {
  try {
    return (await ask<{ pass: string }>('/sign-in', { name })).pass
  } catch (error) {
    if (error instanceof ServerRefusal) return undefined
    throw error
  }
}
