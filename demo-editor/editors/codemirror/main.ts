import { keymap } from '@codemirror/view'
import { EditorView, minimalSetup } from 'codemirror'
import { yCollab, yUndoManagerKeymap } from 'y-codemirror.next'
import { element } from '../../src/element.ts'
import { openDocument } from '../open-document.ts'

const { doc, provider, user } = await openDocument('CodeMirror')
provider.awareness.setLocalStateField('user', user)

const text = doc.getText('codemirror')
new EditorView({
  doc: text.toString(),
  parent: element('editor', HTMLElement),
  extensions: [
    // Before CodeMirror's own undo, which would take back what others wrote.
    keymap.of(yUndoManagerKeymap),
    minimalSetup,
    EditorView.lineWrapping,
    yCollab(text, provider.awareness),
  ],
})
