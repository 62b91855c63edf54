import * as monaco from 'monaco-editor/editor/editor.api.js'
import EditorWorker from 'monaco-editor/editor/editor.worker.js?worker'
import { MonacoBinding } from 'y-monaco'
import * as Y from 'yjs'
import { element } from '../../src/element.ts'
import { openDocument } from '../open-document.ts'
import { showNames } from './names.ts'

globalThis.MonacoEnvironment = { getWorker: () => new EditorWorker() }

const { doc, provider, user } = await openDocument('Monaco')
provider.awareness.setLocalStateField('user', user)

const text = doc.getText('monaco')
const mount = element('editor', HTMLElement)
mount.style.height = '20rem'
const editor = monaco.editor.create(mount, {
  language: 'plaintext',
  minimap: { enabled: false },
  // Room for a name above the first line.
  padding: { top: 20 },
})
const model = editor.getModel()
if (model) {
  const binding = new MonacoBinding(text, model, new Set([editor]), provider.awareness)
  // Monaco's own undo would take back what others wrote.
  const undoManager = new Y.UndoManager(text, { trackedOrigins: new Set([binding]) })
  editor.addCommand(monaco.KeyMod.CtrlCmd | monaco.KeyCode.KeyZ, () => undoManager.undo())
  editor.addCommand(monaco.KeyMod.CtrlCmd | monaco.KeyCode.KeyY, () => undoManager.redo())
}
showNames(provider.awareness)
