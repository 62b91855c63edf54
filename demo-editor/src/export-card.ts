import type { Editor } from '@tiptap/core'
import * as Y from 'yjs'
import { element } from './element.ts'
import { language } from './messages/words.ts'
import { placeCard } from './popover-card.ts'

/** Saves what is seen, whatever the state of key and connection: it is made from the document in this tab alone. */
export function setUpExport(editor: Editor, doc: Y.Doc, documentName: string): void {
  placeCard('export-card', 'export-toggle')
  const offer = (id: string, ending: string, type: string, content: () => string | Uint8Array<ArrayBuffer>) =>
    element(id, HTMLButtonElement).addEventListener('click', () => {
      save(`${documentName}.${ending}`, new Blob([content()], { type }))
      element('export-card', HTMLElement).hidePopover()
    })
  offer('export-text', 'txt', 'text/plain;charset=utf-8', () => editor.getText({ blockSeparator: '\n\n' }))
  offer('export-html', 'html', 'text/html;charset=utf-8', () => pageOf(editor, documentName))
  // Yjs allocates it: an ArrayBuffer that nobody shares.
  offer('export-update', 'yjs', 'application/octet-stream', () => Y.encodeStateAsUpdate(doc) as Uint8Array<ArrayBuffer>)
}

/** By the editor's schema, which knows no scripts; the name and all text are escaped by the serialiser. */
function pageOf(editor: Editor, documentName: string): string {
  const page = document.implementation.createHTMLDocument(documentName)
  page.documentElement.lang = language
  const encoding = page.createElement('meta')
  encoding.setAttribute('charset', 'utf-8')
  page.head.prepend(encoding)
  const copy = editor.view.dom.cloneNode(true)
  if (copy instanceof Element) {
    for (const foreign of copy.querySelectorAll('.caret, .ProseMirror-separator, .ProseMirror-trailingBreak'))
      foreign.remove()
    for (const mark of copy.querySelectorAll('.caret-selection')) mark.replaceWith(...mark.childNodes)
    page.body.append(...copy.childNodes)
  }
  return `<!doctype html>\n${new XMLSerializer().serializeToString(page)}`
}

function save(name: string, file: Blob): void {
  const address = URL.createObjectURL(file)
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  URL.revokeObjectURL(address)
}
