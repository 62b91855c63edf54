import type { Request } from 'express'

/** What the caller wants. */
export type Purpose =
  /** A first key for a document, or one where none is active. */
  | 'create'
  /** The key that is written with now. */
  | 'read-current'
  /** A key of an earlier epoch. */
  | 'read-old'
  /** A new key in place of the current one. */
  | 'rotate'
  /** To list keys without their text, to deactivate one, to destroy one. */
  | 'admin'

export type Role = 'read' | 'write' | 'admin'

export interface Access {
  /** Who asks: stable per user. */
  readonly subject: string
  readonly role: Role
}

export interface AccessQuestion {
  readonly documentId: string
  readonly purpose: Purpose
}

/**
 * The app's decision about one request; null: no. It must not depend on whether the document exists, and the document id
 * in it is the caller's claim. Throw an AuthenticationError where it is not known who asks.
 */
export type Authorize = (request: Request, question: AccessQuestion) => PromiseLike<Access | null> | Access | null

/** Nobody, or an invalid or expired token: answered 401. The message stays on the server. */
export class AuthenticationError extends Error {
  override readonly name = 'AuthenticationError'
}

const PURPOSES_BY_ROLE: Record<Role, ReadonlySet<Purpose>> = {
  read: new Set<Purpose>(['read-current', 'read-old']),
  write: new Set<Purpose>(['read-current', 'read-old', 'create', 'rotate']),
  admin: new Set<Purpose>(['read-current', 'read-old', 'create', 'rotate', 'admin']),
}

export function isRole(value: unknown): value is Role {
  return typeof value === 'string' && Object.hasOwn(PURPOSES_BY_ROLE, value)
}

export function isWriter({ role }: Access): boolean {
  return role !== 'read'
}

export function mayDo(access: Access | null | undefined, purpose: Purpose): access is Access {
  return isRole(access?.role) && PURPOSES_BY_ROLE[access.role].has(purpose)
}
