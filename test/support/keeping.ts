import { type SealedIndexedDBOptions, sealedIndexedDB } from 'y-sealed/indexeddb'
import type * as Y from 'yjs'
import { patiently, untilTrue } from './events.ts'
import type { Person } from './world.ts'

type Persistence = ReturnType<typeof sealedIndexedDB>
type LocalCopy = ReturnType<Persistence['attach']>

/** A device whose pages can be waited for until they have let go of it. */
export function keeping(options: SealedIndexedDBOptions = {}) {
  const persistence = sealedIndexedDB(options)
  const copies: { doc: Y.Doc; copy: LocalCopy }[] = []
  return {
    attach(ports: Parameters<Persistence['attach']>[0]): LocalCopy {
      const copy = persistence.attach(ports)
      copies.push({ doc: ports.doc, copy })
      return copy
    },
    async leave({ provider, doc }: Person): Promise<void> {
      provider.destroy()
      await Promise.all(copies.filter((each) => each.doc === doc).map(({ copy }) => copy.destroy()))
    },
  }
}

export const stored = ({ provider }: Person): Promise<void> =>
  untilTrue(provider, 'stored', () => provider.storedLocally, 'everything to be on the device')

export const loaded = ({ provider }: Person): Promise<void> => patiently(provider.whenLoaded, 'the copy to be loaded')
