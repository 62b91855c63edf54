export interface AccessRequest {
  room: string
  /** What the client sent along with its join. */
  params: Record<string, string>
  /** The client's network address as the socket knows it. */
  address: string
}

export interface Access {
  /** Who it is; may be a pseudonym. '' = not known: each of its sessions is then somebody of its own. */
  subject: string
  role: 'read' | 'write'
}

/**
 * Decides who may join a room and append there. null closes the channel with 4401; a throw closes it with 4500 and the
 * client tries again. It never decides who can read: that is the key endpoint's word.
 */
export type Authorize = (token: string, request: AccessRequest) => Promise<Access | null>
