export interface AccessRequest {
  room: string
  /** What the client sent along with its join. */
  params: Record<string, string>
  /** The client's network address, or what a trusted proxy says it is. */
  address: string
}

export interface Access {
  /** Who it is; may be a pseudonym. '' = not known: each of its sessions is then somebody of its own. */
  subject: string
  role: 'read' | 'write'
  /** Whether it may open the epoch after the present one; default: who may write may. */
  mayRotate?: boolean
  /** From when on it counts no more (unix ms); absent: it lasts as long as the session. */
  endsAtUnixMs?: number
  /** Whose documents this one counts with, if it makes it: all of a tenant share a quota. */
  tenant?: string
  /** When the token was made (unix ms): one from before its subject was shut out is not taken any more. */
  issuedAtUnixMs?: number
}

/**
 * Decides who may join a room and append there. null closes the channel with 4401; a throw closes it with 4500 and the
 * client tries again. It never decides who can read: that is the key endpoint's word.
 */
export interface Authorize {
  (token: string, request: AccessRequest): Promise<Access | null>
  /** What an operator should know; said once when the relay starts. */
  readonly warning?: string
}

/** Whether it may open the epoch after the present one. */
export function mayRotate({ role, mayRotate = true }: Access): boolean {
  return role === 'write' && mayRotate
}
