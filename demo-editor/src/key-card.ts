import type { EpochName, SealedProvider } from 'y-sealed'
import { onPress, setAvailable } from './availability.ts'
import { element } from './element.ts'
import { rotationFailureText, rotationObstacle } from './rotation-words.ts'

/** What stands behind the lock: which key is in use, how to compare it, and how to get a new one. */
export function setUpKeyCard(provider: SealedProvider): void {
  const toggle = element('key-toggle', HTMLButtonElement)
  const card = element('key-card', HTMLElement)
  const rotate = element('rotate', HTMLButtonElement)
  let shownIndex: number | undefined
  let running = false

  const render = () => {
    const { epoch } = provider
    const obstacle = rotationObstacle({ connected: provider.wsconnected, canWrite: provider.canWrite, running })
    toggle.hidden = epoch === undefined
    toggle.textContent = `Epoch ${epoch?.index ?? ''}`
    element('epoch-index', HTMLElement).textContent = String(epoch?.index ?? '')
    element('fingerprint', HTMLElement).textContent = epoch?.fingerprint ?? ''
    setAvailable(rotate, obstacle === undefined)
    rotate.setAttribute('aria-busy', String(running))
    rotate.textContent = running ? 'Rotating…' : 'Rotate key'
    element('rotate-obstacle', HTMLElement).textContent = obstacle ?? ''
  }
  const epochChanged = () => {
    const { epoch } = provider
    if (epoch !== undefined) {
      const isNew = shownIndex !== undefined && epoch.index > shownIndex
      // Who rotates is told by the answer.
      if (isNew && !running) say(`Somebody rotated the key. ${newKeyText(epoch)}`)
      shownIndex = Math.max(epoch.index, shownIndex ?? 0)
    }
    render()
  }
  const rotateKey = async () => {
    running = true
    say('')
    render()
    const [answer] = await Promise.allSettled([provider.rotateKey()])
    running = false
    if (answer.status === 'fulfilled') {
      shownIndex = answer.value.index
      say(newKeyText(answer.value))
    } else say(rotationFailureText(answer.reason), 'bad')
    render()
  }

  toggle.addEventListener('click', () => {
    card.hidden = !card.hidden
    toggle.setAttribute('aria-expanded', String(!card.hidden))
    if (card.hidden && !running) say('')
  })
  onPress(rotate, () => void rotateKey())
  provider.on('status', epochChanged)
  provider.on('sync', epochChanged)
  provider.on('epoch', epochChanged)
  epochChanged()
}

const newKeyText = ({ index, fingerprint }: EpochName) => `New key in use: epoch ${index}, fingerprint ${fingerprint}`

/** Stands outside the card: it is read out, and seen, while the card is closed. */
function say(text: string, tone?: 'bad'): void {
  const line = element('rotate-state', HTMLElement)
  line.textContent = text
  line.dataset.tone = tone ?? ''
}
