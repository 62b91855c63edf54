import type { KeyRequest } from '@y-sealed/key-client/contract'
import type { Request } from 'express'
import { type Admission, admit, type RequestDraft } from './admission.ts'
import { type Audit, audited } from './audit.ts'
import { type Access, isWriter, type Purpose } from './authorize.ts'
import { FIXED } from './methods/fixed-keys.ts'
import { Refusal } from './refusal.ts'
import { isHintTaken } from './store/hint-taken.ts'
import type { FoundKey, IssuedKey, KeyStore } from './store/key-store.ts'

export interface KeyKeeping extends Admission {
  readonly store: KeyStore
  /** An active key that is older counts as inactive. */
  readonly maxAgeMs: number
  readonly audit?: Audit
}

export interface AnsweredKey {
  readonly key: string
  /** Missing where all hints name one key (`fixed`). */
  readonly keyHint?: string
  /** Missing where it is not known (see `FoundKey`). */
  readonly epoch?: number
  readonly active: boolean
  readonly record: string | null
}

/**
 * Answers one question for a key (protocol §5).
 * @throws Refusal `refused`, `key-unknown`, `too-many`; and what authorize and audit throw
 */
export async function answerKey(request: Request, question: KeyRequest, keeping: KeyKeeping): Promise<AnsweredKey> {
  const { documentId, keyHint } = question
  const draft: RequestDraft = { act: 'key', documentId, subject: null, purpose: null, keyHint }
  return await audited(keeping.audit, draft, async () => {
    const found = await decideAndAct(request, question, keeping, draft)
    const { key, epoch, active, record, origin } = found
    draft.keyHint = found.keyHint
    return {
      key,
      ...(origin === FIXED ? {} : { keyHint: found.keyHint }),
      ...(epoch === undefined ? {} : { epoch }),
      active,
      record,
    }
  })
}

async function decideAndAct(
  request: Request,
  question: KeyRequest,
  keeping: KeyKeeping,
  draft: RequestDraft,
): Promise<FoundKey> {
  for (;;) {
    const purpose = purposeOf(question, await look(question, keeping), keeping)
    // Before anything depends on what was found: those who may not know get the same answer either way.
    const access = await admit(request, purpose, draft, keeping)
    // Deciding takes time, in which the key may have been rotated or shredded: nothing is answered that no longer holds,
    // and nothing done that was not decided.
    const found = await look(question, keeping)
    if (purposeOf(question, found, keeping) !== purpose) continue
    return await act(question, found, access, keeping)
  }
}

function look({ documentId, keyHint, after }: KeyRequest, { store }: KeyKeeping): Promise<FoundKey | undefined> {
  return keyHint === null ? store.current(documentId, after) : store.find(documentId, keyHint)
}

function purposeOf({ keyHint, after }: KeyRequest, found: FoundKey | undefined, keeping: KeyKeeping): Purpose {
  if (keyHint !== null) return found && !found.active ? 'read-old' : 'read-current'
  if (found && !isAged(found, keeping)) return 'read-current'
  return after === undefined ? 'create' : 'rotate'
}

async function act(
  { documentId, keyHint, after, record }: KeyRequest,
  found: FoundKey | undefined,
  access: Access,
  keeping: KeyKeeping,
): Promise<FoundKey> {
  const { store } = keeping
  if (keyHint !== null) {
    const reports = record !== undefined && found?.record === null && isWriter(access)
    const kept = reports ? await store.keepRecord(documentId, keyHint, record) : found
    if (!kept) throw new Refusal('key-unknown')
    return isAged(kept, keeping) ? { ...kept, active: false } : kept
  }
  if (found) {
    if (!isAged(found, keeping)) return found
    // By its hint: whoever comes second does not touch the key that took its place.
    await store.deactivate(documentId, found.keyHint)
  }
  return after === undefined ? store.currentOrNew(documentId) : rotateOrStay(store, documentId, after)
}

/** A way to make keys that knows one hint only cannot rotate: the client notices that it was given the same key, and says so. */
async function rotateOrStay(store: KeyStore, documentId: string, after: string): Promise<IssuedKey> {
  try {
    return await store.rotate(documentId, after)
  } catch (error) {
    const current = isHintTaken(error) ? await store.current(documentId) : undefined
    if (!current) throw error
    return current
  }
}

function isAged({ createdMs, origin }: FoundKey, { maxAgeMs }: KeyKeeping): boolean {
  // Nothing could take the place of a fixed key.
  return origin !== FIXED && Date.now() - createdMs >= maxAgeMs
}
