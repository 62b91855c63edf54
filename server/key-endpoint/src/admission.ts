import type { Request } from 'express'
import type { AuditDraft } from './audit.ts'
import { type Access, type Authorize, mayDo, type Purpose } from './authorize.ts'
import type { CountQuestion } from './rate-limits.ts'
import { Refusal } from './refusal.ts'

/** A request is about one document. */
export type RequestDraft = AuditDraft & { documentId: string }

export interface Admission {
  readonly authorize: Authorize
  /** Absent: nothing is counted. */
  readonly count?: CountQuestion
}

/**
 * Asks authorize for one purpose, and notes in the draft who it was.
 * @throws Refusal `refused`, `too-many`; and what authorize throws
 */
export async function admit(
  request: Request,
  purpose: Purpose,
  draft: RequestDraft,
  { authorize, count }: Admission,
): Promise<Access> {
  draft.purpose = purpose
  const { documentId } = draft
  const access = await authorize(request, { documentId, purpose })
  draft.subject = access?.subject ?? null
  // Also who is refused: else asking costs nothing.
  if (access) await count?.(request, access.subject, documentId)
  if (!mayDo(access, purpose)) throw new Refusal('refused')
  return access
}
