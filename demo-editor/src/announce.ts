import { element } from './element.ts'

/** Says something to those who do not see the page change. */
export function announce(text: string): void {
  element('announcement', HTMLElement).textContent = text
}
