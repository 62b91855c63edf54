import { type Access, openAccess, requestPass } from './access.ts'
import { colourOf } from './caret-colours.ts'
import { ServerRefusal } from './demo-server.ts'
import type { DocumentAddress } from './document-address.ts'
import { setUpDocuments } from './documents-dialog.ts'
import { element } from './element.ts'
import { say, sayIfKnown } from './messages/words.ts'

/** Per tab: two tabs are two people. The pass is sealed by the demo server; no name can be read from it. */
const PASS_KEY = 'y-sealed-demo-pass'

/** Resolves once somebody is signed in: by what this tab remembers, else by asking. Never, where the document is not open to them. */
export async function signIn(address: DocumentAddress): Promise<Access> {
  const remembered = sessionStorage.getItem(PASS_KEY)
  const access = remembered === null ? undefined : await enter(remembered, address)
  return access ?? (await askForName(address))
}

export function setUpSignOut(): void {
  element('sign-out', HTMLButtonElement).addEventListener('click', () => {
    sessionStorage.removeItem(PASS_KEY)
    location.reload()
  })
}

async function enter(pass: string, address: DocumentAddress): Promise<Access | undefined> {
  try {
    const access = await openAccess(pass, address.name, address.hasKey ? 'link' : 'endpoint')
    if (access !== undefined) sessionStorage.setItem(PASS_KEY, pass)
    return access
  } catch (error) {
    if (!(error instanceof ServerRefusal) || error.status !== 403) throw error
    sessionStorage.setItem(PASS_KEY, pass)
    showRefusal(pass, address.name, error.reason)
    return new Promise(() => {})
  }
}

/** In place of the document. */
function showRefusal(pass: string, documentName: string, reason: string): void {
  element('sign-in', HTMLDialogElement).close()
  element('workspace', HTMLElement).hidden = true
  for (const id of ['share', 'relay-toggle', 'break-toggle', 'history-toggle']) element(id, HTMLElement).hidden = true
  element('refused', HTMLElement).hidden = false
  element('refused-why', HTMLElement).textContent = sayIfKnown(`refused.${reason}`) ?? ''
  const documents = setUpDocuments({ pass, name: '' }, documentName)
  element('refused-documents', HTMLButtonElement).addEventListener('click', () => documents.open())
}

function askForName(address: DocumentAddress): Promise<Access> {
  const dialog = element('sign-in', HTMLDialogElement)
  const form = element('sign-in-form', HTMLFormElement)
  const ownName = element('own-name', HTMLInputElement)
  const complaint = element('sign-in-error', HTMLElement)
  for (const face of dialog.querySelectorAll<HTMLElement>('[data-face]')) {
    face.style.setProperty('--caret', colourOf(face.dataset.face ?? ''))
  }
  dialog.addEventListener('cancel', (event) => event.preventDefault())
  dialog.showModal()

  return new Promise((resolve) => {
    const start = async (name: string) => {
      complaint.textContent = ''
      try {
        const pass = await requestPass(name)
        if (pass === undefined) complaint.textContent = say('sign-in.bad-name')
        const access = pass === undefined ? undefined : await enter(pass, address)
        if (access === undefined) return
        dialog.close()
        resolve(access)
      } catch {
        complaint.textContent = say('sign-in.no-server')
      }
    }
    for (const choice of dialog.querySelectorAll<HTMLElement>('[data-name]')) {
      choice.addEventListener('click', () => void start(choice.dataset.name ?? ''))
    }
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      void start(ownName.value)
    })
  })
}
