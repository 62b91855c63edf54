import { Editor, type JSONContent } from '@tiptap/core'
import { Collaboration } from '@tiptap/extension-collaboration'
import type * as Y from 'yjs'
import { create } from '../element.ts'
import { say } from '../messages/words.ts'
import { EMPTY_TEXT, TEXT_FIELD, textSchema } from '../text-schema.ts'

/** Shows a Y.Doc that nobody can edit, by the same schema as the living one: what is foreign to it is not rendered. */
export interface Preview {
  /** Takes the Y.Doc over and destroys it when another is shown. */
  show(doc: Y.Doc): void
  clear(): void
  content(): JSONContent | undefined
}

export function createPreview(mount: HTMLElement): Preview {
  let shown: { doc: Y.Doc; editor: Editor } | undefined

  const letGo = () => {
    shown?.editor.destroy()
    shown?.doc.destroy()
    shown = undefined
  }
  return {
    show(doc) {
      const holder = create('div', 'editor')
      let editor: Editor
      try {
        editor = readOnlyEditor(holder, doc)
      } catch (error) {
        doc.destroy()
        throw error
      }
      // The new text stands in one step: nothing flickers while the slider moves.
      mount.replaceChildren(holder)
      letGo()
      shown = { doc, editor }
    },
    clear() {
      letGo()
      mount.replaceChildren()
    },
    content: () => shown?.editor.getJSON(),
  }
}

function readOnlyEditor(element: HTMLElement, doc: Y.Doc): Editor {
  return new Editor({
    element,
    editable: false,
    injectCSS: false,
    content: EMPTY_TEXT,
    extensions: [...textSchema(), Collaboration.configure({ document: doc, field: TEXT_FIELD })],
    // Not TipTap's `textbox`: nothing can be typed here.
    editorProps: {
      attributes: { role: 'document', 'aria-label': say('history.earlier-text'), spellcheck: 'false', translate: 'no' },
    },
  })
}
