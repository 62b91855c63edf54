import { parseDocumentId } from '@y-sealed/key-client/contract'
import { KEY_ACTS, parseAct, show } from './key-acts.ts'
import { Refusal } from './refusal.ts'
import { isKeyDirectory } from './sqlite-database.ts'
import { openSqliteKeyStore } from './sqlite-key-store.ts'

/** For those who have the directory itself, and need no token: the acts of the router, and some over all documents. */
export interface KeyDesk {
  rotate(documentId: string, after?: string): Promise<object[]>
  deactivate(documentId?: string, keyHint?: string, all?: boolean): Promise<object[]>
  shred(documentId: string, keyHint: string): Promise<object[]>
  list(documentId?: string): Promise<object[]>
  close(): Promise<void>
}

/** In words, since nobody else is listening whom they could tell too much. */
const SENTENCES: Readonly<Record<string, string>> = {
  'key-unknown': 'there is no such key',
  'key-active': 'the key is current: rotate or deactivate it first',
}

/**
 * The desk of a directory that a server may be using. It makes no directory: a mistyped one is not an empty one.
 * @throws KeyServerError of the store; Error
 */
export function openKeyDesk(directory: string): KeyDesk {
  if (!isKeyDirectory(directory)) throw new Error(`there are no keys in ${directory}`)
  const store = openSqliteKeyStore(directory)

  async function act(name: keyof typeof KEY_ACTS, asked: object): Promise<object> {
    const keyAct = KEY_ACTS[name]
    try {
      // What the router takes, no more: an id that no client could ask for is a slip of the pen.
      return { ...(await keyAct.run(store, parseAct(keyAct, asked))) }
    } catch (error) {
      throw error instanceof Refusal ? new Error(SENTENCES[error.code] ?? error.code) : error
    }
  }

  return {
    rotate: async (documentId, after) => [
      await act('rotate', { documentId, ...(after === undefined ? {} : { after }) }),
    ],
    async deactivate(documentId, keyHint, all) {
      if (all) {
        if (documentId !== undefined) throw new Error('deactivate: a document or --all, not both')
        return [{ deactivated: await store.deactivateAll() }]
      }
      if (documentId === undefined) throw new Error('deactivate: a document, or --all')
      const current = keyHint ?? (await store.current(documentId))?.keyHint
      if (current === undefined) throw new Error(SENTENCES['key-unknown'])
      return [await act('deactivate', { documentId, keyHint: current })]
    },
    shred: async (documentId, keyHint) => [await act('shred', { documentId, keyHint })],
    async list(documentId) {
      const ids = documentId === undefined ? await store.documents() : [parseDocumentId(documentId)]
      const lists = await Promise.all(
        ids.map(async (id) => (await store.list(id)).map((entry) => ({ documentId: id, ...show(entry) }))),
      )
      return lists.flat()
    },
    close: () => store.close(),
  }
}
