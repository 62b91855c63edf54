import { create } from './element.ts'
import { parsePerson } from './person.ts'

/** Another person's caret with the name above it. The name is text and the colour one of ours: both came over the network. */
export function renderCaret(user: unknown): HTMLElement {
  const { name, color } = parsePerson(user)
  const label = create('span', 'caret-name', name)
  const caret = create('span', 'caret', label)
  // Through the object model, which a strict content security policy allows; a style attribute it would not.
  caret.style.setProperty('--caret', color)
  return caret
}

/** Another person's selection. */
export function renderSelection(user: unknown) {
  return { nodeName: 'span', class: 'caret-selection', style: `--caret: ${parsePerson(user).color}` }
}
