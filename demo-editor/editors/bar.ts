import type { SealedProvider } from 'y-sealed'
import { create } from '../src/element.ts'

/** Above every editor: what the provider says of itself, and the two things a visitor may do to it. */
export function showBar(editor: string, provider: SealedProvider): void {
  const state = create('p', 'state')
  state.id = 'state'
  state.setAttribute('role', 'status')
  const offline = button('offline', 'Work offline', () =>
    provider.shouldConnect ? provider.disconnect() : provider.connect(),
  )
  const rotate = button('rotate', 'Rotate key', () => void provider.rotateKey())
  const home = create('a', 'home', 'all editors')
  home.href = '../'
  document.body.prepend(create('header', 'bar', create('h1', '', editor), state, offline, rotate, home))

  const render = () => {
    const { wsconnected, synced, hasUnsyncedChanges, epoch } = provider
    offline.textContent = provider.shouldConnect ? 'Work offline' : 'Go online'
    state.textContent = [
      wsconnected ? (synced ? 'connected' : 'opening') : 'offline',
      hasUnsyncedChanges ? 'not yet stored' : 'all stored',
      epoch === undefined ? 'no key' : `epoch ${epoch.index}`,
    ].join(', ')
  }
  provider.on('status', render)
  provider.on('sync', render)
  provider.on('sync-status', render)
  provider.on('epoch', render)
  provider.on('problem', ({ code, message }) => {
    state.textContent = `${code}: ${message}`
  })
  render()
}

function button(id: string, label: string, pressed: () => void): HTMLButtonElement {
  const made = create('button', '', label)
  made.id = id
  made.type = 'button'
  // The caret stays in the text.
  made.addEventListener('pointerdown', (event) => event.preventDefault())
  made.addEventListener('click', pressed)
  return made
}
