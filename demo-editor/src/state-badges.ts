import type { SealedProvider } from 'y-sealed'
import { watchAbsence } from './absence.ts'
import { create, element } from './element.ts'
import { say } from './messages/words.ts'
import { connectionState, encryptionState, type Facts, type State, storageState } from './states.ts'

/** Problems that mean: there is no key to seal with. */
const LOCKING = ['key-missing', 'key-invalid', 'key-refused', 'key-unknown', 'key-mismatch']

const SHUTTING_OUT = ['session-revoked', 'document-deleted']

/** Keeps the three badges true, and lets a person go offline on purpose. */
export function showStates(provider: SealedProvider, changed: (facts: Facts) => void): void {
  const facts: Facts = {
    status: 'connecting',
    offlineByChoice: false,
    ended: false,
    shutOut: false,
    absence: 'none',
    keyed: false,
    locked: false,
    canWrite: true,
    stored: !provider.hasUnsyncedChanges,
    slow: false,
  }
  const render = () => {
    // The role is known once the relay has answered.
    if (facts.status === 'connected') facts.canWrite = provider.canWrite
    facts.keptSince = provider.storedLocally ? provider.unsyncedSince : undefined
    paintLock(encryptionState(facts))
    paint('connection-state', connectionState(facts))
    paint('storage-state', storageState(facts))
    changed(facts)
  }
  provider.on('status', ({ status }) => {
    facts.status = status
    if (status === 'connected') {
      facts.keyed = true
      facts.locked = false
    }
    if (status === 'connected') facts.ended = facts.shutOut = false
    render()
  })
  provider.on('sync-status', ({ localUpdatesSynced, status }) => {
    facts.stored = localUpdatesSynced
    facts.slow = status === 'red'
    render()
  })
  provider.on('sync', render)
  provider.on('stored', render)
  provider.on('problem', ({ code }) => {
    if (LOCKING.includes(code)) facts.locked = true
    if (SHUTTING_OUT.includes(code)) facts.shutOut = true
    render()
  })
  provider.on('closed', () => {
    facts.ended = true
    render()
  })
  watchAbsence(provider, (absence) => {
    facts.absence = absence
    render()
  })
  setUpOfflineToggle(provider, (offline) => {
    facts.offlineByChoice = offline
    render()
  })
  render()
}

function paint(id: string, { tone, text, detail }: State): void {
  const badge = element(id, HTMLElement)
  badge.dataset.tone = tone
  badge.title = detail
  // A live region is read out again at each change of its children.
  if (badge.textContent !== text) badge.replaceChildren(create('span', 'dot'), text)
}

function paintLock({ tone, text }: State): void {
  element('key-toggle', HTMLButtonElement).dataset.tone = tone
  element('encryption-state', HTMLElement).textContent = text
}

function setUpOfflineToggle(provider: SealedProvider, changed: (offline: boolean) => void): void {
  const button = element('offline-toggle', HTMLButtonElement)
  button.addEventListener('click', () => {
    const offline = button.getAttribute('aria-pressed') !== 'true'
    button.setAttribute('aria-pressed', String(offline))
    button.textContent = say(offline ? 'offline.back' : 'offline.go')
    changed(offline)
    if (offline) provider.disconnect()
    else provider.connect()
  })
}
