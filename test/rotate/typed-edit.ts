import * as Y from 'yjs'
import { deletionsOf, holds, type Range } from '../replay/cut.ts'

/** What one edit added to a document and deleted from it. */
export interface TypedEdit {
  readonly content: readonly Range[]
  readonly deletions: readonly Range[]
}

/** Reads an edit from the update that it made. */
export function editOf(update: Uint8Array): TypedEdit {
  const content: Range[] = []
  for (const { id, length } of Y.decodeUpdate(update).structs) {
    content.push({ client: id.client, from: id.clock, to: id.clock + length })
  }
  return { content, deletions: deletionsOf(update) }
}

/** Whether a document holds all of an edit: every character, and every deletion. */
export function isIn(doc: Y.Doc, { content, deletions }: TypedEdit): boolean {
  return holds(doc, content, deletions)
}

/** Calls back with every edit that this document's own user makes from now on: what no provider brought. */
export function onTyped(doc: Y.Doc, provider: object, listener: (edit: TypedEdit) => void): void {
  doc.on('update', (update, origin) => {
    if (origin !== provider) listener(editOf(update))
  })
}
