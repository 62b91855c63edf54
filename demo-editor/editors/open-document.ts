import { keyEndpoint, SealedProvider, type SealedProviderOptions } from 'y-sealed'
import * as Y from 'yjs'
import { openAccess, requestPass } from '../src/access.ts'
import { colourOf } from '../src/caret-colours.ts'
import { showBar } from './bar.ts'

/** Two names in two tabs are two people. */
const NAMES = ['Alice', 'Bob']

/**
 * Signs in as the demo's own page does, under the name in the address (`?as=Alice#/plans`), and opens the document that is named after `#`. In your
 * app only the provider's line remains, with your endpoint and your token.
 */
export async function openDocument(editor: string, options: Pick<SealedProviderOptions, 'initial'> = {}) {
  const name = new URLSearchParams(location.search).get('as') ?? NAMES[Math.floor(Math.random() * NAMES.length)] ?? ''
  const documentName = location.hash.replace(/^#\/?/, '') || editor
  const pass = await requestPass(name)
  const access = pass && (await openAccess(pass, documentName, 'endpoint'))
  if (!access) throw new Error('the demo server does not take this name or document')

  const doc = new Y.Doc()
  const provider = new SealedProvider(access.relayUrl, documentName, doc, {
    keys: keyEndpoint(access.keysUrl, {
      headers: async () => ({ authorization: `Bearer ${await access.keysToken()}` }),
    }),
    token: access.relayToken,
    ...options,
  })
  showBar(editor, provider)
  return { doc, provider, user: { name, color: colourOf(name) } }
}
