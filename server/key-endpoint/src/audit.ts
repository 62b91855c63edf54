import { appendFileSync, chmodSync, closeSync, openSync } from 'node:fs'
import type { Purpose } from './authorize.ts'
import { Refusal, type RefusalCode } from './refusal.ts'

/** What somebody wanted of a document's keys, and what came of it. No key, nothing that a key could be made of. */
export interface AuditLine {
  /** ISO 8601. */
  readonly at: string
  readonly act: AuditedAct
  /** null: all documents. */
  readonly documentId: string | null
  /** Who, in the words of authorize; null where that was not known. */
  readonly subject: string | null
  /** What authorize was asked; null for whoever has the database itself. */
  readonly purpose: Purpose | null
  /** The hint that was answered, or that was asked for; null: none. */
  readonly keyHint: string | null
  readonly outcome: 'done' | RefusalCode
}

/** `key`: a key was asked for. The others are what those do who look after keys. */
export type AuditedAct = 'key' | 'rotate' | 'deactivate' | 'shred' | 'list' | 'create' | 'expire' | 'export' | 'import'

/** Called before an answer leaves. If it fails nothing is answered: no key goes out that leaves no line. */
export type Audit = (line: AuditLine) => PromiseLike<void> | void

/** What is known of an act while it is under way. */
export type AuditDraft = { -readonly [Name in keyof Omit<AuditLine, 'at' | 'outcome'>]: AuditLine[Name] }

/** Runs an act; whatever comes of it, done or refused, is in the log when this settles. */
export async function audited<T>(audit: Audit | undefined, draft: AuditDraft, run: () => Promise<T>): Promise<T> {
  if (!audit) return await run()
  const note = (outcome: AuditLine['outcome']) => audit({ at: new Date().toISOString(), ...draft, outcome })
  let result: T
  try {
    result = await run()
  } catch (error) {
    if (error instanceof Refusal) await note(error.code)
    throw error
  }
  await note('done')
  return result
}

const FILE_MODE = 0o600

/** Appends a JSON per line; several processes may write one file. It is opened for each line, so that it may be rotated away. */
export function auditFile(path: string): Audit {
  closeSync(openSync(path, 'a', FILE_MODE))
  chmodSync(path, FILE_MODE)
  return (line) => appendFileSync(path, `${JSON.stringify(line)}\n`, { mode: FILE_MODE })
}
