import { create, element } from './element.ts'

/** As the demo server takes it (server/request-fields.ts). */
const DOCUMENT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

export const WELCOME = 'welcome'

/** The document that the address names. It stands behind `#`, which browsers send to no server. */
export function documentNameFromAddress(): string {
  const name = location.hash.replace(/^#\/?/, '')
  return DOCUMENT_NAME.test(name) ? name : WELCOME
}

export function showDocumentName(name: string): void {
  element('document-name', HTMLElement).textContent = name
  document.title = `${name} · y-sealed`
  if (location.hash !== `#/${name}`) history.replaceState(null, '', `#/${name}`)
}

/** How long "Link copied" stands on the button. */
const CONFIRMATION_MS = 2_000

/** The share button: copies the address. Who opens it must still sign in and be given the key. */
export function setUpShare(): void {
  const button = element('share', HTMLButtonElement)
  const label = button.querySelector('span')
  let timer: ReturnType<typeof setTimeout> | undefined
  button.addEventListener('click', async () => {
    const copied = await copy(location.href)
    if (!copied) showLink(location.href)
    if (!label) return
    label.textContent = copied ? 'Link copied' : 'Share'
    clearTimeout(timer)
    timer = setTimeout(() => {
      label.textContent = 'Share'
    }, CONFIRMATION_MS)
  })
}

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false // no permission, or no focus
  }
}

/** Where the clipboard is out of reach the link can be copied by hand. */
function showLink(href: string): void {
  const field = create('input', 'share-link')
  field.readOnly = true
  field.value = href
  field.setAttribute('aria-label', 'Link to this document')
  element('share', HTMLButtonElement).after(field)
  field.select()
  field.addEventListener('blur', () => field.remove())
}
