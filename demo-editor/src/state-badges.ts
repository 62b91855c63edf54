import type { SealedProvider } from 'y-sealed'
import { create, element, icon } from './element.ts'
import { connectionState, encryptionState, type Facts, type State, storageState } from './states.ts'

/** Problems that mean: there is no key to seal with. */
const LOCKING = ['key-missing', 'key-invalid', 'key-refused', 'key-unknown', 'key-mismatch']

/** Keeps the three badges true, and lets a person go offline on purpose. */
export function showStates(provider: SealedProvider): void {
  const facts: Facts = {
    status: 'connecting',
    offlineByChoice: false,
    keyed: false,
    stored: !provider.hasUnsyncedChanges,
    slow: false,
  }
  const render = () => {
    paint('encryption-state', encryptionState(facts), icon('lock'))
    paint('connection-state', connectionState(facts))
    paint('storage-state', storageState(facts))
  }
  provider.on('status', ({ status }) => {
    facts.status = status
    if (status === 'connected') {
      facts.keyed = true
      facts.lockedBy = undefined
    }
    render()
  })
  provider.on('sync-status', ({ localUpdatesSynced, status }) => {
    facts.stored = localUpdatesSynced
    facts.slow = status === 'red'
    render()
  })
  provider.on('problem', ({ code }) => {
    if (LOCKING.includes(code)) facts.lockedBy = code
    render()
  })
  setUpOfflineToggle(provider, (offline) => {
    facts.offlineByChoice = offline
    render()
  })
  render()
}

function paint(id: string, { tone, text, detail }: State, picture?: Node): void {
  const badge = element(id, HTMLElement)
  badge.dataset.tone = tone
  badge.title = detail
  // A live region is read out again at each change of its children.
  if (badge.textContent !== text) badge.replaceChildren(picture ?? create('span', 'dot'), text)
}

function setUpOfflineToggle(provider: SealedProvider, changed: (offline: boolean) => void): void {
  const button = element('offline-toggle', HTMLButtonElement)
  button.addEventListener('click', () => {
    const offline = button.getAttribute('aria-pressed') !== 'true'
    button.setAttribute('aria-pressed', String(offline))
    button.textContent = offline ? 'Go online' : 'Work offline'
    changed(offline)
    if (offline) provider.disconnect()
    else provider.connect()
  })
}
