import type { KeyRequest } from '@y-sealed/key-client/contract'
import type { Request } from 'express'
import { type Access, type Authorize, isWriter, mayDo, type Purpose } from './authorize.ts'
import type { IssuedKey, KeyStore } from './key-store.ts'
import { Refusal } from './refusal.ts'

export interface KeyKeeping {
  readonly authorize: Authorize
  readonly store: KeyStore
  /** An active key that is older counts as inactive. */
  readonly maxAgeMs: number
}

export interface AnsweredKey {
  readonly key: string
  readonly keyHint: string
  readonly epoch: number
  readonly active: boolean
  readonly record: string | null
}

/**
 * Answers one question for a key (protocol §5).
 * @throws Refusal `refused`, `key-unknown`; and what authorize throws
 */
export async function answerKey(request: Request, question: KeyRequest, keeping: KeyKeeping): Promise<AnsweredKey> {
  for (;;) {
    const purpose = purposeOf(question, await look(question, keeping), keeping)
    // Before anything depends on what was found: those who may not know get the same answer either way.
    const access = await keeping.authorize(request, { documentId: question.documentId, purpose })
    if (!mayDo(access, purpose)) throw new Refusal('refused')
    // Deciding takes time, in which the key may have been rotated or shredded: nothing is answered that no longer holds,
    // and nothing done that was not decided.
    const found = await look(question, keeping)
    if (purposeOf(question, found, keeping) !== purpose) continue
    const { key, keyHint, epoch, active, record } = await act(question, found, access, keeping)
    return { key, keyHint, epoch, active, record }
  }
}

function look({ documentId, keyHint, after }: KeyRequest, { store }: KeyKeeping): Promise<IssuedKey | undefined> {
  return keyHint === null ? store.current(documentId, after) : store.find(documentId, keyHint)
}

function purposeOf({ keyHint, after }: KeyRequest, found: IssuedKey | undefined, keeping: KeyKeeping): Purpose {
  if (keyHint !== null) return found && !found.active ? 'read-old' : 'read-current'
  if (found && !isAged(found, keeping)) return 'read-current'
  return after === undefined ? 'create' : 'rotate'
}

async function act(
  { documentId, keyHint, after, record }: KeyRequest,
  found: IssuedKey | undefined,
  access: Access,
  keeping: KeyKeeping,
): Promise<IssuedKey> {
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
  return after === undefined ? store.currentOrNew(documentId) : store.rotate(documentId, after)
}

function isAged({ createdMs }: IssuedKey, { maxAgeMs }: KeyKeeping): boolean {
  return Date.now() - createdMs >= maxAgeMs
}
