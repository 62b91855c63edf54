import { baseKeymap, toggleMark } from 'prosemirror-commands'
import { keymap } from 'prosemirror-keymap'
import { Schema } from 'prosemirror-model'
import { EditorState } from 'prosemirror-state'
import { EditorView } from 'prosemirror-view'
import { redo, undo, yCursorPlugin, ySyncPlugin, yUndoPlugin } from 'y-prosemirror'
import { element } from '../../src/element.ts'
import { openDocument } from '../open-document.ts'
import 'prosemirror-view/style/prosemirror.css'
import './carets.css'

const schema = new Schema({
  nodes: {
    doc: { content: 'paragraph+' },
    paragraph: { content: 'text*', parseDOM: [{ tag: 'p' }], toDOM: () => ['p', 0] },
    text: {},
  },
  marks: { strong: { parseDOM: [{ tag: 'strong' }], toDOM: () => ['strong', 0] } },
})

const { doc, provider, user } = await openDocument('ProseMirror')
provider.awareness.setLocalStateField('user', user)

const bold = schema.marks.strong
new EditorView(element('editor', HTMLElement), {
  state: EditorState.create({
    schema,
    plugins: [
      ySyncPlugin(doc.getXmlFragment('prosemirror')),
      yCursorPlugin(provider.awareness),
      yUndoPlugin(),
      keymap({ 'Mod-z': undo, 'Mod-y': redo, ...(bold && { 'Mod-b': toggleMark(bold) }) }),
      keymap(baseKeymap),
    ],
  }),
})
