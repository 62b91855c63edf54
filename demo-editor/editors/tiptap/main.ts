import { Editor } from '@tiptap/core'
import { Collaboration } from '@tiptap/extension-collaboration'
import { CollaborationCaret } from '@tiptap/extension-collaboration-caret'
import { StarterKit } from '@tiptap/starter-kit'
import { element } from '../../src/element.ts'
import { openDocument } from '../open-document.ts'
import './carets.css'

const { doc, provider, user } = await openDocument('TipTap')

new Editor({
  element: element('editor', HTMLElement),
  // Each paragraph in the direction of its own words.
  textDirection: 'auto',
  extensions: [
    // Undo is Yjs' own. A trailing paragraph would be an edit made by everybody who merely opens the document.
    StarterKit.configure({ undoRedo: false, trailingNode: false }),
    Collaboration.configure({ document: doc }),
    CollaborationCaret.configure({ provider, user }),
  ],
})
