import { generateKey, SealedProvider, staticKey } from 'y-sealed'
import * as Y from 'yjs'

/**
 * Ada types, Bob reads it: what an app does with the packages as they are published.
 * @param {string} relayUrl
 * @param {string} room
 * @param {Partial<import('y-sealed').SealedProviderOptions>} [options]
 * @returns {Promise<string>} what Bob reads
 */
export async function twoPeople(relayUrl, room, options = {}) {
  const keys = staticKey(generateKey())
  const [ada, bob] = [1, 2].map(
    () => new SealedProvider(relayUrl, room, new Y.Doc(), { ...options, keys, disableBc: true }),
  )
  try {
    const read = new Promise((resolve) => bob.doc.once('update', () => resolve(bob.doc.getText('text').toString())))
    ada.doc.getText('text').insert(0, 'sealed on the way')
    await ada.flush()
    return await read
  } finally {
    ada.destroy()
    bob.destroy()
  }
}
