import { element } from './element.ts'

/** A modal dialog of index.html with a `NAME-close` button; a press beside it closes it as Escape does. */
export function setUpDialog(name: string, { opener, shown }: { opener?: string; shown?: () => void } = {}) {
  const dialog = element(name, HTMLDialogElement)
  const open = () => {
    shown?.()
    dialog.showModal()
  }
  const closer = element(`${name.replace(/-dialog$/, '')}-close`, HTMLButtonElement)
  closer.addEventListener('click', () => dialog.close())
  dialog.addEventListener('pointerdown', (event) => {
    const { left, right, top, bottom } = dialog.getBoundingClientRect()
    const { clientX: x, clientY: y } = event
    if (event.target === dialog && (x < left || x > right || y < top || y > bottom)) dialog.close()
  })
  if (opener !== undefined) element(opener, HTMLButtonElement).addEventListener('click', open)
  return { open, close: () => dialog.close() }
}
