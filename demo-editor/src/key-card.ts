import type { EpochName, SealedProvider } from 'y-sealed'
import type { Access } from './access.ts'
import { onPress, setAvailable } from './availability.ts'
import { element } from './element.ts'
import { language, say } from './messages/words.ts'
import { placeCard } from './popover-card.ts'
import { rotationFailureText, rotationObstacle } from './rotation-words.ts'
import { encryptionState, type Facts, storageState } from './states.ts'

export interface KeyCard {
  /** The badges have changed: the card says the same in longer words. */
  render(facts: Facts): void
}

/** What stands behind the lock: encrypted, verified, saved, who holds the key, which one it is, and how to get a new one. */
export function setUpKeyCard(provider: SealedProvider, access: Access): KeyCard {
  const rotate = element('rotate', HTMLButtonElement)
  let shownIndex: number | undefined
  let running = false

  const render = () => {
    const { epoch } = provider
    const obstacle = rotationObstacle({
      connected: provider.wsconnected,
      canWrite: provider.canWrite,
      keyInLink: access.keyIn === 'link',
      running,
    })
    write('epoch-index', String(epoch?.index ?? ''))
    write('fingerprint', epoch?.fingerprint ?? '')
    write('lock-verified', verifiedText(provider))
    write('lock-holder', holderText(access))
    write('lock-freshness', provider.freshness === undefined ? '' : say(`lock.fresh.${provider.freshness}`))
    setAvailable(rotate, obstacle === undefined)
    rotate.setAttribute('aria-busy', String(running))
    rotate.textContent = say(running ? 'rotate.running' : 'rotate.button')
    write('rotate-obstacle', obstacle ?? '')
  }
  const epochChanged = () => {
    const { epoch } = provider
    if (epoch !== undefined) {
      const isNew = shownIndex !== undefined && epoch.index > shownIndex
      // Who rotates is told by the answer.
      if (isNew && !running) tell(say('rotate.by-another', { ...epoch }))
      shownIndex = Math.max(epoch.index, shownIndex ?? 0)
    }
    render()
  }
  const rotateKey = async () => {
    running = true
    tell('')
    render()
    const [answer] = await Promise.allSettled([provider.rotateKey()])
    running = false
    if (answer.status === 'fulfilled') {
      shownIndex = answer.value.index
      tell(newKeyText(answer.value))
    } else tell(rotationFailureText(answer.reason), 'bad')
    render()
  }

  placeCard('key-card', 'key-toggle', render)
  onPress(rotate, () => void rotateKey())
  provider.on('status', epochChanged)
  provider.on('sync', epochChanged)
  provider.on('epoch', epochChanged)
  provider.on('verified', render)
  provider.on('unwitnessed', render)
  provider.on('freshness', render)
  epochChanged()
  return {
    render(facts) {
      write('lock-encrypted', encryptionState(facts).detail)
      write('lock-saved', storageState(facts).detail)
      render()
    },
  }
}

const newKeyText = ({ index, fingerprint }: EpochName) => say('rotate.done', { index, fingerprint })

const TIME = new Intl.DateTimeFormat(language, { timeStyle: 'short' })

function verifiedText({ verified, unwitnessed }: SealedProvider): string {
  if (unwitnessed !== undefined) return say('lock.verified.unwitnessed', { time: TIME.format(unwitnessed.since) })
  if (verified === undefined) return say('lock.verified.alone')
  return say('lock.verified.yes', { sequence: verified.sequence, time: TIME.format(verified.at) })
}

function holderText({ keyIn, keysUrl }: Access): string {
  return keyIn === 'link' ? say('lock.holder.link') : say('lock.holder.endpoint', { host: new URL(keysUrl).host })
}

function write(id: string, text: string): void {
  element(id, HTMLElement).textContent = text
}

/** Stands outside the card: it is read out, and seen, while the card is closed. */
function tell(text: string, tone?: 'bad'): void {
  const line = element('rotate-state', HTMLElement)
  line.textContent = text
  line.dataset.tone = tone ?? ''
}
