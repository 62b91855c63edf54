import { setTimeout as wait } from 'node:timers/promises'
import type { AccessTokens } from './access-tokens.ts'
import type { MemberBook } from './member-book.ts'

export interface RemovalOptions {
  /** The relay's `/admin/`, and the operator's token for it. */
  readonly relayAdminUrl: string
  readonly relayAdminToken: string
  readonly keysUrl: string
}

/** What became of the key: a new one is in use from now on; none could be made; a link holds it, which nobody can call back. */
export type KeyOutcome = 'rotated' | 'not-rotated' | 'in-link'

/**
 * Shuts a member out, in the order that SECURITY.md gives: first the app's own records, then, once no token to the key endpoint is left, a
 * new key there. In between the relay closes the sessions. Members who are online go on under the new key.
 */
export function createRemoval(book: MemberBook, tokens: AccessTokens, options: RemovalOptions) {
  const { relayAdminUrl, relayAdminToken, keysUrl } = options

  return async (document: string, owner: string, person: string): Promise<KeyOutcome> => {
    book.remove(document, owner, person)
    await post(new URL('close-sessions', relayAdminUrl), relayAdminToken, {
      subject: tokens.pseudonym(person),
      room: document,
    })
    if (book.sharing(document, owner).keyIn === 'link') return 'in-link'
    // A token that was issued a moment ago would still be given the new key.
    await wait(Math.max(0, tokens.keysTokensEndAt(person, document) - Date.now()))
    const { keysToken } = await tokens.issue(owner, document, 'write')
    try {
      await post(new URL(`${keysUrl}/rotate`), keysToken, { documentId: document })
      await post(new URL('recheck', relayAdminUrl), relayAdminToken, { room: document })
      return 'rotated'
    } catch {
      return 'not-rotated'
    }
  }
}

async function post(url: URL, token: string, body: object): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    redirect: 'error',
  })
  if (!response.ok) throw new Error(`${url.pathname} answered ${response.status}`)
}
