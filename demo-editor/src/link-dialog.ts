import type { Editor } from '@tiptap/core'
import { setUpDialog } from './dialog.ts'
import { element } from './element.ts'
import { say } from './messages/words.ts'
import { safeAddress } from './safe-link.ts'

let dialog: ReturnType<typeof setUpDialog> | undefined

/** Sets, changes or removes the link of what is marked; without a mark the address itself becomes the text. */
export function askForLink(editor: Editor): void {
  dialog ??= setUp(editor)
  const current: unknown = editor.getAttributes('link').href
  element('link-address', HTMLInputElement).value = typeof current === 'string' ? current : ''
  element('link-remove', HTMLButtonElement).hidden = !editor.isActive('link')
  element('link-error', HTMLElement).textContent = ''
  dialog.open()
}

function setUp(editor: Editor) {
  const made = setUpDialog('link-dialog')
  element('link-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    const typed = element('link-address', HTMLInputElement).value.trim()
    const href = safeAddress(typed) ?? (/^[\w-]+(\.[\w-]+)+/.test(typed) ? safeAddress(`https://${typed}`) : undefined)
    if (href === undefined) {
      element('link-error', HTMLElement).textContent = say('link.unsafe')
      return
    }
    made.close()
    const chain = editor.chain().focus().extendMarkRange('link')
    const marks = [{ type: 'link', attrs: { href } }]
    if (editor.state.selection.empty && !editor.isActive('link'))
      chain.insertContent({ type: 'text', text: href, marks }).run()
    else chain.setMark('link', { href }).run()
  })
  element('link-remove', HTMLButtonElement).addEventListener('click', () => {
    made.close()
    editor.chain().focus().extendMarkRange('link').unsetMark('link').run()
  })
  return made
}
