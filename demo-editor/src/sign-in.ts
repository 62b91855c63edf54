import { type Access, openAccess, requestPass } from './access.ts'
import { colourOf } from './caret-colours.ts'
import { element } from './element.ts'

/** Per tab: two tabs are two people. The pass is sealed by the demo server; no name can be read from it. */
const PASS_KEY = 'y-sealed-demo-pass'

/** Resolves once somebody is signed in: by what this tab remembers, else by asking. */
export async function signIn(documentName: string): Promise<Access> {
  const remembered = sessionStorage.getItem(PASS_KEY)
  const access = remembered === null ? undefined : await openAccess(remembered, documentName)
  return access ?? (await ask(documentName))
}

export function setUpSignOut(): void {
  element('sign-out', HTMLButtonElement).addEventListener('click', () => {
    sessionStorage.removeItem(PASS_KEY)
    location.reload()
  })
}

function ask(documentName: string): Promise<Access> {
  const dialog = element('sign-in', HTMLDialogElement)
  const form = element('sign-in-form', HTMLFormElement)
  const ownName = element('own-name', HTMLInputElement)
  for (const face of dialog.querySelectorAll<HTMLElement>('[data-face]')) {
    face.style.setProperty('--caret', colourOf(face.dataset.face ?? ''))
  }
  dialog.addEventListener('cancel', (event) => event.preventDefault())
  dialog.showModal()

  return new Promise((resolve) => {
    const enter = async (name: string) => {
      const access = await accessFor(name, documentName)
      if (access === undefined) return
      dialog.close()
      resolve(access)
    }
    for (const choice of dialog.querySelectorAll<HTMLElement>('[data-name]')) {
      choice.addEventListener('click', () => void enter(choice.dataset.name ?? ''))
    }
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      void enter(ownName.value)
    })
  })
}

async function accessFor(name: string, documentName: string): Promise<Access | undefined> {
  const complaint = element('sign-in-error', HTMLElement)
  complaint.textContent = ''
  try {
    const pass = await requestPass(name)
    if (pass === undefined) {
      complaint.textContent = 'That cannot be used as a name. One to forty characters, please.'
      return undefined
    }
    const access = await openAccess(pass, documentName)
    if (access !== undefined) sessionStorage.setItem(PASS_KEY, pass)
    return access
  } catch {
    complaint.textContent = 'The demo server does not answer. Is it still running?'
    return undefined
  }
}
