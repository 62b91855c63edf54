import { IndexeddbPersistence } from 'y-indexeddb'
import { keyEndpoint, SealedProvider } from 'y-sealed'
import { type SealedIndexedDBOptions, sealedIndexedDB } from 'y-sealed/indexeddb'
import * as Y from 'yjs'

/** What the test does in the page. */
export interface OfflinePage {
  readonly clientId: number
  readonly problems: string[]
  text(): string
  loaded(): Promise<void>
  type(text: string): void
  /** What is not at the relay is on the device. */
  stored(): Promise<void>
  flush(): Promise<void>
  unsyncedSince(): number | undefined
  wipe(): Promise<void>
  /** An app of before: what it writes stands on the device in plaintext. */
  plaintext(name: string, text: string): Promise<void>
}

const open = (relayUrl: string, options: SealedIndexedDBOptions): OfflinePage => {
  const doc = new Y.Doc()
  const text = doc.getText('text')
  const provider = new SealedProvider(relayUrl, 'room', doc, {
    keys: keyEndpoint(new URL('/keys', location.href).href),
    persistence: sealedIndexedDB(options),
    maxBackoffTime: 200,
    warnOnClose: false,
  })
  const problems: string[] = []
  provider.on('problem', ({ code }) => void problems.push(code))
  return {
    clientId: doc.clientID,
    problems,
    text: () => text.toString(),
    loaded: () => provider.whenLoaded,
    type: (typed) => text.insert(text.length, typed),
    async stored() {
      while (!provider.storedLocally) await new Promise<void>((resolve) => provider.once('stored', () => resolve()))
    },
    flush: () => provider.flush(),
    unsyncedSince: () => provider.unsyncedSince,
    wipe: () => provider.wipeLocal(),
    async plaintext(name, typed) {
      const old = new Y.Doc()
      const persistence = new IndexeddbPersistence(name, old)
      await persistence.whenSynced
      old.getText('text').insert(0, typed)
      await persistence.destroy()
      // It does not wait for its write, which a page that is closed takes along: whoever reads after it does.
      const reader = new IndexeddbPersistence(name, new Y.Doc())
      await reader.whenSynced
      await reader.destroy()
    },
  }
}

Object.assign(globalThis, { openOffline: open })
