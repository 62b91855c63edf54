/** New tokens are asked for this long before the old ones expire: longer than a slow join. */
const RENEW_BEFORE_EXPIRY_MS = 60_000

/** A document's addresses and, whenever they are asked for, tokens that are still good. Kept in memory only. */
export interface Access {
  readonly name: string
  readonly relayUrl: string
  readonly keysUrl: string
  relayToken(): Promise<string>
  keysToken(): Promise<string>
}

interface Grant {
  name: string
  relayUrl: string
  keysUrl: string
  relayToken: string
  keysToken: string
  expiresInSeconds: number
}

/** @returns nothing where the pass is not (or no longer) good: sign in again */
export async function openAccess(pass: string, documentName: string): Promise<Access | undefined> {
  const first = await requestGrant(pass, documentName)
  if (first === undefined) return undefined
  let grant = first
  let renewAtMs = renewalOf(first)
  let renewal: Promise<void> | undefined

  const renew = async () => {
    const next = await requestGrant(pass, documentName)
    if (next === undefined) throw new Error('the sign-in has expired')
    grant = next
    renewAtMs = renewalOf(next)
  }
  const current = async () => {
    if (performance.now() >= renewAtMs) {
      renewal ??= renew().finally(() => {
        renewal = undefined
      })
      await renewal
    }
    return grant
  }
  return {
    name: first.name,
    relayUrl: first.relayUrl,
    keysUrl: first.keysUrl,
    relayToken: async () => (await current()).relayToken,
    keysToken: async () => (await current()).keysToken,
  }
}

const renewalOf = (grant: Grant) => performance.now() + grant.expiresInSeconds * 1000 - RENEW_BEFORE_EXPIRY_MS

async function requestGrant(pass: string, documentName: string): Promise<Grant | undefined> {
  const response = await postJson('/access', { pass, document: documentName })
  if (response.status === 401) return undefined
  if (!response.ok) throw new Error(`the demo server answered ${response.status}`)
  return (await response.json()) as Grant // our own server, same origin
}

/** Exchanges a name for a pass; nothing where the server does not take the name. */
export async function requestPass(name: string): Promise<string | undefined> {
  const response = await postJson('/sign-in', { name })
  if (!response.ok) return undefined
  const { pass } = (await response.json()) as { pass: string } // our own server, same origin
  return pass
}

function postJson(path: string, body: object): Promise<Response> {
  return fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    cache: 'no-store',
    redirect: 'error',
  })
}
