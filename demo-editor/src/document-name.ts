import { addressOf, type DocumentAddress } from './document-address.ts'
import { element } from './element.ts'
import { say } from './messages/words.ts'

export function showDocumentName({ name, hasKey }: DocumentAddress): void {
  element('document-name', HTMLElement).textContent = name
  document.title = say('page.title', { document: name })
  if (!hasKey) history.replaceState(null, '', addressOf(name))
}
