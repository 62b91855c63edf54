import { generateKey } from 'y-sealed'
import type { Access } from './access.ts'
import { ask, type KeyIn, type ListedDocument, ServerRefusal } from './demo-server.ts'
import { setUpDialog } from './dialog.ts'
import { addressOf, isDocumentName } from './document-address.ts'
import { create, element } from './element.ts'
import { say } from './messages/words.ts'

/** The list of one's documents, and a new one. */
export function setUpDocuments({ pass, name }: Pick<Access, 'pass' | 'name'>, openName: string): { open(): void } {
  const list = element('documents-list', HTMLUListElement)
  const show = async () => {
    const [answer] = await Promise.allSettled([ask<{ documents: ListedDocument[] }>('/documents', { pass })])
    if (answer.status === 'rejected') list.replaceChildren(create('li', 'nothing', say('documents.failed')))
    else if (answer.value.documents.length === 0) list.replaceChildren(create('li', 'nothing', say('documents.empty')))
    else list.replaceChildren(...answer.value.documents.map((listed) => row(listed, openName)))
  }
  element('signed-in', HTMLElement).textContent = say('you', { name })
  setUpNewDocument(pass)
  return setUpDialog('documents', { opener: 'documents-toggle', shown: () => void show() })
}

function row({ name, keyIn, role, people }: ListedDocument, openName: string): HTMLLIElement {
  const facts = [
    say(`documents.${role}`),
    people === 1 ? say('documents.person') : say('documents.people', { count: people }),
    ...(keyIn === 'link' ? [say('documents.link-key')] : []),
    ...(name === openName ? [say('documents.here')] : []),
  ]
  const link = create('a', 'document', create('strong', '', name), create('span', '', facts.join(' · ')))
  link.href = addressOf(name)
  if (name === openName) link.setAttribute('aria-current', 'page')
  return create('li', '', link)
}

function setUpNewDocument(pass: string): void {
  const form = element('new-document', HTMLFormElement)
  const field = element('new-name', HTMLInputElement)
  const complaint = element('new-error', HTMLElement)
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const name = field.value.trim()
    complaint.textContent = isDocumentName(name) ? '' : say('documents.bad-name')
    if (!isDocumentName(name)) return
    const keyIn: KeyIn = new FormData(form).get('key-in') === 'link' ? 'link' : 'endpoint'
    try {
      await ask('/create', { pass, document: name, keyIn })
    } catch (error) {
      complaint.textContent = say(error instanceof ServerRefusal ? 'documents.taken' : 'documents.failed')
      return
    }
    // Another document is another page: main.ts loads it anew.
    location.href = keyIn === 'link' ? addressOf(name, generateKey()) : addressOf(name)
  })
}
