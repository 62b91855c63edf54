export type Role = 'write' | 'read'
export type LinkRole = Role | 'none'
export type KeyIn = 'endpoint' | 'link'

export interface ListedDocument {
  readonly name: string
  readonly keyIn: KeyIn
  readonly role: Role | 'owner'
  readonly people: number
}

export interface Sharing {
  readonly owner: string
  readonly keyIn: KeyIn
  readonly link: LinkRole
  readonly people: readonly { readonly name: string; readonly role: Role }[]
}

/** The demo server said no; `reason` is its word for why. */
export class ServerRefusal extends Error {
  readonly status: number
  readonly reason: string

  constructor(status: number, reason: string) {
    super(`the demo server answered ${status}`)
    this.status = status
    this.reason = reason
  }
}

/** One question to the demo's own server. @throws ServerRefusal; TypeError where it does not answer */
export async function ask<Answer>(path: string, body: object): Promise<Answer> {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    cache: 'no-store',
    redirect: 'error',
  })
  const answer: unknown = await response.json()
  if (response.ok) return answer as Answer // our own server, same origin
  const isExplained = typeof answer === 'object' && answer !== null && 'error' in answer
  throw new ServerRefusal(response.status, isExplained ? String(answer.error) : '')
}
