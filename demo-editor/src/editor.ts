import { Editor } from '@tiptap/core'
import { Collaboration } from '@tiptap/extension-collaboration'
import { CollaborationCaret } from '@tiptap/extension-collaboration-caret'
import { Placeholder } from '@tiptap/extension-placeholder'
import { StarterKit } from '@tiptap/starter-kit'
import type { SealedProvider } from 'y-sealed'
import type * as Y from 'yjs'
import { renderCaret, renderSelection } from './carets.ts'
import { withoutInlineCode } from './pasted-html.ts'
import type { Person } from './person.ts'
import { SafeLink } from './safe-link.ts'

/** The part of the Y.Doc that holds the text. */
export const TEXT_FIELD = 'text'

export function createEditor(mount: HTMLElement, doc: Y.Doc, provider: SealedProvider, user: Person): Editor {
  return new Editor({
    element: mount,
    // Its style element would need `unsafe-inline`; styles/text.css has what it holds.
    injectCSS: false,
    // As JSON: TipTap would parse even an empty string as HTML, which `require-trusted-types-for` forbids.
    content: { type: 'doc', content: [{ type: 'paragraph' }] },
    extensions: [
      // History is Yjs' own. A trailing paragraph would be an edit made by everybody who merely opens the document.
      StarterKit.configure({ undoRedo: false, trailingNode: false, link: false, heading: { levels: [1, 2, 3] } }),
      SafeLink,
      Placeholder.configure({ placeholder: 'Write something only the people here can read…' }),
      Collaboration.configure({ document: doc, field: TEXT_FIELD }),
      CollaborationCaret.configure({ provider, user, render: renderCaret, selectionRender: renderSelection }),
    ],
    editorProps: {
      transformPastedHTML: withoutInlineCode,
      attributes: {
        'aria-label': 'Document text',
        // Some browsers send what they check or translate to a server of theirs.
        spellcheck: 'false',
        translate: 'no',
      },
    },
  })
}
