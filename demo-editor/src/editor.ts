import { Editor } from '@tiptap/core'
import { Collaboration } from '@tiptap/extension-collaboration'
import { CollaborationCaret } from '@tiptap/extension-collaboration-caret'
import { Placeholder } from '@tiptap/extension-placeholder'
import type { SealedProvider } from 'y-sealed'
import type * as Y from 'yjs'
import { renderCaret, renderSelection } from './carets.ts'
import { say } from './messages/words.ts'
import { withoutInlineCode } from './pasted-html.ts'
import type { Person } from './person.ts'
import { EMPTY_TEXT, TEXT_FIELD, textSchema } from './text-schema.ts'

export function createEditor(mount: HTMLElement, doc: Y.Doc, provider: SealedProvider, user: Person): Editor {
  return new Editor({
    element: mount,
    // Its style element would need `unsafe-inline`; styles/text.css has what it holds.
    injectCSS: false,
    content: EMPTY_TEXT,
    extensions: [
      ...textSchema(),
      Placeholder.configure({
        // Before the document is here, an invitation to write would be a lie.
        placeholder: () => say(mount.ariaBusy === 'true' ? 'editor.opening' : 'editor.placeholder'),
      }),
      Collaboration.configure({ document: doc, field: TEXT_FIELD }),
      CollaborationCaret.configure({ provider, user, render: renderCaret, selectionRender: renderSelection }),
    ],
    editorProps: {
      transformPastedHTML: withoutInlineCode,
      attributes: {
        'aria-label': say('editor.label'),
        // Some browsers send what they check or translate to a server of theirs.
        spellcheck: 'false',
        translate: 'no',
      },
    },
  })
}
