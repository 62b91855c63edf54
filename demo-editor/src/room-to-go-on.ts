import type { ChainedCommands } from '@tiptap/core'

/** Behind a table or picture that is the last thing in the text nobody could write: a paragraph follows, as part of the same edit. */
export function roomToGoOn(chain: ChainedCommands): ChainedCommands {
  return chain.command(({ tr }) => {
    const { doc } = tr
    if (doc.lastChild?.isTextblock === false) {
      const paragraph = doc.type.schema.nodes.paragraph?.create()
      if (paragraph !== undefined) tr.insert(doc.content.size, paragraph)
    }
    return true
  })
}
