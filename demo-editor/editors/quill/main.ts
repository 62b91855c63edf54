import Quill from 'quill'
import QuillCursors from 'quill-cursors'
import { QuillBinding } from 'y-quill'
import { element } from '../../src/element.ts'
import { openDocument } from '../open-document.ts'
import { keepComposition } from './composition.ts'
import 'quill/dist/quill.snow.css'

const { doc, provider, user } = await openDocument('Quill')
provider.awareness.setLocalStateField('user', user)

Quill.register('modules/cursors', QuillCursors)
const quill = new Quill(element('editor', HTMLElement), {
  theme: 'snow',
  modules: {
    cursors: true,
    // Undo takes back one's own edits, not those of others.
    history: { userOnly: true },
  },
})
new QuillBinding(doc.getText('quill'), quill, provider.awareness)
keepComposition(quill)
