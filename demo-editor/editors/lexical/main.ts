import { registerRichText } from '@lexical/rich-text'
import {
  createBinding,
  createUndoManager,
  initLocalState,
  type Provider,
  setLocalStateFocus,
  syncCursorPositions,
  syncLexicalUpdateToYjs,
  syncYjsChangesToLexical,
} from '@lexical/yjs'
import {
  BLUR_COMMAND,
  COMMAND_PRIORITY_EDITOR,
  createEditor,
  FOCUS_COMMAND,
  REDO_COMMAND,
  SKIP_COLLAB_TAG,
  UNDO_COMMAND,
} from 'lexical'
import * as Y from 'yjs'
import { element } from '../../src/element.ts'
import { openDocument } from '../open-document.ts'

const opened = await openDocument('Lexical', { initial: oneParagraph })
const { doc, user } = opened
// Lexical's type says that everybody's awareness state is as Lexical writes it, which the type of no provider can promise.
const provider = opened.provider as unknown as Provider

const mount = element('editor', HTMLElement)
const text = mount.appendChild(document.createElement('div'))
text.contentEditable = 'true'
const carets = mount.appendChild(document.createElement('div'))
carets.id = 'carets'
const editor = createEditor({
  namespace: 'y-sealed',
  onError(error) {
    throw error
  },
})
editor.setRootElement(text)
registerRichText(editor)

const binding = createBinding(editor, provider, 'main', doc, new Map([['main', doc]]))
binding.cursorsContainer = carets
const root = binding.root.getSharedType()
const undoManager = createUndoManager(binding, root)

root.observeDeep((events, { origin }) => {
  if (origin !== binding) syncYjsChangesToLexical(binding, provider, events, origin instanceof Y.UndoManager)
})
editor.registerUpdateListener(({ prevEditorState, editorState, dirtyElements, dirtyLeaves, normalizedNodes, tags }) => {
  if (tags.has(SKIP_COLLAB_TAG)) return
  syncLexicalUpdateToYjs(
    binding,
    provider,
    prevEditorState,
    editorState,
    dirtyElements,
    dirtyLeaves,
    normalizedNodes,
    tags,
  )
  // What others' carets stand in has moved.
  syncCursorPositions(binding, provider)
})
provider.awareness.on('update', () => syncCursorPositions(binding, provider))
initLocalState(provider, user.name, user.color, document.activeElement === text, {})

const commands = [
  [UNDO_COMMAND, () => undoManager.undo()],
  [REDO_COMMAND, () => undoManager.redo()],
] as const
for (const [command, act] of commands) {
  editor.registerCommand(
    command,
    () => {
      act()
      return true
    },
    COMMAND_PRIORITY_EDITOR,
  )
}
for (const [command, isFocused] of [
  [FOCUS_COMMAND, true],
  [BLUR_COMMAND, false],
] as const) {
  editor.registerCommand(
    command,
    () => {
      setLocalStateFocus(provider, user.name, user.color, isFocused, {})
      return false
    },
    COMMAND_PRIORITY_EDITOR,
  )
}

/** Lexical needs a block to type into; two people who open a new document must not both make one. */
function oneParagraph(fresh: Y.Doc): void {
  const paragraph = new Y.XmlText()
  paragraph.setAttribute('__type', 'paragraph')
  fresh.get('root', Y.XmlText).insertEmbed(0, paragraph)
}
