import { type IssuedKey, KeyServerError, openSqliteKeyStore } from '@y-sealed/key-endpoint'
import { below } from '../../support/random.ts'
import { codeOf, promised, type Target } from '../target.ts'
import { editedImage, type Image, inventEdits } from './file-edits.ts'
import { imageOf, withFolder, withImage } from './folders.ts'

const KNOWN = ['master-key-missing', 'master-key-invalid', 'master-key-wrong', 'store-unsupported', 'store-damaged']

/** Every key that was ever issued, by document. */
type Truth = ReadonlyMap<string, readonly IssuedKey[]>

/** The key endpoint's database, its journal and the master key, damaged on the disk. */
export const keyFile: Target = {
  name: 'key-file',
  promise: 'the store says that it cannot, by a code, or a hint names the key that it always named',
  sampleCases: 40,
  mustMeet: ['accepted', 'master-key-invalid', 'store-damaged'],
  async open() {
    const { images, truth } = await withFolder(writeKeys)
    return {
      seeds: images.map((_, i) => Uint8Array.of(i, 0)),
      invent: (random) => (below(random, 8) === 0 ? undefined : inventEdits(random)),
      check: (input) => withImage(editedImage(images, input), (folder) => ask(folder, truth)),
    }
  },
}

async function ask(folder: string, truth: Truth): Promise<string> {
  try {
    const store = openSqliteKeyStore(folder)
    try {
      let isWhole = true
      for (const [documentId, issued] of truth) {
        for (const { keyHint, key } of issued) {
          const found = await store.find(documentId, keyHint)
          promised(found === undefined || found.key === key, 'another key under its hint')
          isWhole &&= found !== undefined
        }
        const current = await store.currentOrNew(documentId)
        const known = issued.find(({ keyHint }) => keyHint === current.keyHint)
        promised(known === undefined || known.key === current.key, 'another key as the current one')
        isWhole &&= known !== undefined
        await store.list(documentId)
      }
      return isWhole ? 'accepted' : 'key-unknown'
    } finally {
      await store.close()
    }
  } catch (error) {
    return codeOf(error, KeyServerError, KNOWN)
  }
}

async function writeKeys(folder: string): Promise<{ images: Image[]; truth: Truth }> {
  const store = openSqliteKeyStore(folder)
  const truth = new Map<string, IssuedKey[]>()
  for (let document = 0; document < 30; document++) {
    const documentId = `doc-${document}`
    const first = await store.currentOrNew(documentId)
    truth.set(documentId, document % 3 === 0 ? [first, await store.rotate(documentId)] : [first])
  }
  const died = imageOf(folder)
  await store.close()
  return { images: [died, imageOf(folder)], truth }
}
