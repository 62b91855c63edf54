import { element } from './element.ts'
import { say } from './messages/words.ts'

/** How long "Link copied" stands on the button. */
const CONFIRMATION_MS = 2_000

/** The address of this page, to be copied. Who opens it must still sign in, and be given the key or have it in the link. */
export function setUpCopyLink(): void {
  const button = element('share-copy', HTMLButtonElement)
  const field = element('share-link', HTMLInputElement)
  let timer: ReturnType<typeof setTimeout> | undefined
  field.value = location.href
  button.addEventListener('click', async () => {
    const copied = await copy(field.value)
    // Where the clipboard is out of reach the marked address can be copied by hand.
    if (!copied) field.select()
    button.textContent = say(copied ? 'share.copied' : 'share.copy-by-hand')
    clearTimeout(timer)
    timer = setTimeout(() => {
      button.textContent = say('share.copy')
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
