import { SealedProvider } from 'y-sealed'
import * as Y from 'yjs'
import type { Access } from '../access.ts'
import { keysOf } from '../bind-provider.ts'
import { colourOf } from '../caret-colours.ts'
import { TEXT_FIELD } from '../text-schema.ts'

const NAME = 'Robin'

/** A second person in this tab, with a document and an honest connection of their own, who writes what the visitor attacks. */
export interface Robin {
  /** Resolves when the relay has stored it. */
  write(line: string): Promise<void>
  text(): string
  /** Takes the lines back, and goes. */
  leave(): Promise<void>
}

export async function inviteRobin(documentName: string, access: Access): Promise<Robin> {
  const doc = new Y.Doc()
  const provider = new SealedProvider(access.relayUrl, documentName, doc, {
    keys: keysOf(access),
    token: access.relayToken,
    // Through the relay alone: what comes from another tab, or from this device, could not be attacked.
    disableBc: true,
    warnOnClose: false,
  })
  provider.awareness.setLocalStateField('user', { name: NAME, color: colourOf(NAME) })
  await provider.whenSynced
  const text = doc.getXmlFragment(TEXT_FIELD)
  const written: Y.XmlElement[] = []
  return {
    async write(line) {
      const paragraph = new Y.XmlElement('paragraph')
      paragraph.insert(0, [new Y.XmlText(line)])
      text.push([paragraph])
      written.push(paragraph)
      await provider.flush()
    },
    text: () => text.toString(),
    async leave() {
      for (const paragraph of written) {
        const index = text.toArray().indexOf(paragraph)
        if (index !== -1) text.delete(index)
      }
      await provider.flush()
      provider.destroy()
      doc.destroy()
    },
  }
}
