import { userInfo } from 'node:os'
import { parseDocumentId } from '@y-sealed/key-client/contract'
import { type Audit, type AuditDraft, type AuditedAct, audited } from '../audit.ts'
import { KEY_ACTS, parseAct, show } from '../key-acts.ts'
import { parseAgeMs } from '../key-age.ts'
import { Refusal } from '../refusal.ts'
import type { KeyStore } from '../store/key-store.ts'
import { type EscrowedKey, keysForEscrow } from './escrowed-keys.ts'
import type { ImportedKey } from './imported-keys.ts'

/** For those who have the database itself, and need no token: the acts of the router, and some over all documents. */
export interface KeyDesk {
  /** A first key, and the only answer of the desk that has it in clear. */
  create(documentId: string): Promise<object[]>
  rotate(documentId: string, after?: string): Promise<object[]>
  deactivate(documentId?: string, keyHint?: string, all?: boolean): Promise<object[]>
  /** Deactivates every active key that is older. */
  expire(age: string): Promise<object[]>
  shred(documentId: string, keyHint: string): Promise<object[]>
  list(documentId?: string): Promise<object[]>
  /** Adds keys made elsewhere; none is replaced. */
  import(keys: readonly ImportedKey[]): Promise<object[]>
  /** Everything that a restore needs, in clear: for sealing, and nothing else. */
  export(documentId?: string): Promise<EscrowedKey[]>
  rewrap(): Promise<object[]>
}

/** In words, since nobody else is listening whom they could tell too much. */
const SENTENCES: Readonly<Record<string, string>> = {
  'key-unknown': 'there is no such key',
  'key-active': 'the key is current: rotate or deactivate it first',
  'rotation-unsupported': 'the document has one fixed key: it can only be rotated under another --method',
}

/** The desk of a store that a server may be using. */
export function createKeyDesk(store: KeyStore, audit: Audit | undefined): KeyDesk {
  const subject = `operator:${userInfo().username}`
  const noted = <T>(
    act: AuditedAct,
    documentId: string | null,
    keyHint: string | null,
    run: (draft: AuditDraft) => Promise<T>,
  ) => {
    const draft: AuditDraft = { act, documentId, subject, purpose: null, keyHint }
    return audited(audit, draft, () => run(draft))
  }

  async function act(name: keyof typeof KEY_ACTS, asked: object): Promise<object> {
    const keyAct = KEY_ACTS[name]
    // What the router takes, no more: an id that no client could ask for is a slip of the pen.
    const parsed = parseAct(keyAct, asked)
    const { documentId, keyHint = null } = parsed
    try {
      return await noted(name, documentId, keyHint, async () => ({ ...(await keyAct.run(store, parsed)) }))
    } catch (error) {
      throw error instanceof Refusal ? new Error(SENTENCES[error.code] ?? error.code) : error
    }
  }

  const documentsOr = async (documentId: string | undefined) =>
    documentId === undefined ? await store.documents() : [parseDocumentId(documentId)]

  return {
    create: async (documentId) => [
      await noted('create', parseDocumentId(documentId), null, async (draft) => {
        if (await store.current(documentId)) throw new Error('the document has a key: rotate it, or let a client ask')
        const { keyHint, key } = await store.currentOrNew(documentId)
        draft.keyHint = keyHint
        return { documentId, keyHint, key }
      }),
    ],
    rotate: async (documentId, after) => [
      await act('rotate', { documentId, ...(after === undefined ? {} : { after }) }),
    ],
    async deactivate(documentId, keyHint, all) {
      if (all) {
        if (documentId !== undefined) throw new Error('deactivate: a document or --all, not both')
        return [{ deactivated: await noted('deactivate', null, null, () => store.deactivateAll()) }]
      }
      if (documentId === undefined) throw new Error('deactivate: a document, or --all')
      const current = keyHint ?? (await store.current(documentId))?.keyHint
      if (current === undefined) throw new Error(SENTENCES['key-unknown'])
      return [await act('deactivate', { documentId, keyHint: current })]
    },
    async expire(age) {
      const youngestMs = Date.now() - parseAgeMs(age)
      let expired = 0
      for (const documentId of await store.documents()) {
        const current = await store.current(documentId)
        if (!current || current.createdMs > youngestMs) continue
        const { keyHint } = current
        const entry = await noted('expire', documentId, keyHint, () => store.deactivate(documentId, keyHint))
        if (entry?.state === 'inactive') expired++
      }
      return [{ expired }]
    },
    shred: async (documentId, keyHint) => [await act('shred', { documentId, keyHint })],
    async list(documentId) {
      const listed: object[] = []
      for (const id of await documentsOr(documentId)) {
        for (const entry of await store.list(id)) listed.push({ documentId: id, ...show(entry) })
      }
      return listed
    },
    async import(keys) {
      const counts = { added: 0, known: 0, taken: 0 }
      for (const { documentId, record, ...key } of keys) {
        const outcome = await noted('import', documentId, key.keyHint, () => store.add(documentId, key))
        counts[outcome]++
        if (record !== null && outcome !== 'taken') await store.keepRecord(documentId, key.keyHint, record)
      }
      return [counts]
    },
    async export(documentId) {
      if (!audit)
        throw new Error(
          'export: name an --audit-file; an escrow file that leaves no line is a copy of your keys that nobody knows of',
        )
      const keys: EscrowedKey[] = []
      for (const id of await documentsOr(documentId)) {
        keys.push(...(await noted('export', id, null, () => keysForEscrow(store, id))))
      }
      return keys
    },
    rewrap: async () => [{ rewrapped: await store.rewrap() }],
  }
}
