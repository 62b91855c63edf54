import type { Editor, JSONContent } from '@tiptap/core'
import { UndoManager } from 'yjs'

/** Makes the text what it was, as one edit of this person: others receive it like any other, and one undo takes it back. */
export function restore(editor: Editor, content: JSONContent): void {
  const past = editor.schema.nodeFromJSON(content)
  stopCapturing(editor)
  editor.commands.command(({ tr }) => {
    tr.replaceWith(0, tr.doc.content.size, past.content)
    return true
  })
  stopCapturing(editor)
}

/** What was typed just before, or is typed just after, is an undo step of its own. */
function stopCapturing({ state }: Editor): void {
  for (const plugin of state.plugins) {
    const held: unknown = plugin.getState(state)
    if (typeof held === 'object' && held !== null && 'undoManager' in held && held.undoManager instanceof UndoManager) {
      held.undoManager.stopCapturing()
    }
  }
}
