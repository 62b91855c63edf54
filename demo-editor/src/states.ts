import { language, say } from './messages/words.ts'

const TIME = new Intl.DateTimeFormat(language, { dateStyle: 'short', timeStyle: 'short' })

/** How long the connection has been away: nobody is told of a moment, and everybody of half a minute. */
export type Absence = 'none' | 'moment' | 'short' | 'long'

/** What the three badges are made of. */
export interface Facts {
  status: 'connected' | 'connecting' | 'disconnected'
  /** The person chose to work offline. */
  offlineByChoice: boolean
  /** The relay has ended the connection for good. */
  ended: boolean
  /** This person was removed, or the document was: nothing that is typed would go anywhere. */
  shutOut: boolean
  absence: Absence
  /** The document's key has been here since the page was opened. */
  keyed: boolean
  /** There is no usable key. */
  locked: boolean
  canWrite: boolean
  /** Every edit of this tab is durably stored at the relay. */
  stored: boolean
  /** The oldest edit that is not stored at the relay is on this device; it was made then, unix ms. */
  keptSince?: number | undefined
  /** The oldest edit waits for its confirmation longer than is usual. */
  slow: boolean
}

export interface State {
  tone: 'good' | 'wait' | 'bad' | 'off'
  text: string
  /** The longer sentence, for those who stop to read. */
  detail: string
}

type StateName =
  | `encryption.${'encrypted' | 'locked' | 'waiting'}`
  | `connection.${'connected' | 'offline' | 'connecting' | 'ended'}`
  | `storage.${'stored' | 'slow' | 'storing' | 'nothing' | 'kept' | 'on-device' | 'only-here' | 'read-only'}`

const state = (tone: State['tone'], name: StateName, values: Record<string, string> = {}): State => ({
  tone,
  text: say(name),
  detail: say(`${name}.detail`, values),
})

export function encryptionState({ keyed, locked }: Facts): State {
  if (locked) return state('bad', 'encryption.locked')
  return keyed ? state('good', 'encryption.encrypted') : state('wait', 'encryption.waiting')
}

export function connectionState({ status, offlineByChoice, ended, absence, keyed }: Facts): State {
  if (status === 'connected') return state('good', 'connection.connected')
  if (offlineByChoice) return state('off', 'connection.offline')
  if (ended) return state('bad', 'connection.ended')
  // A train that passes under a bridge: it is back before anybody has read that it was away.
  if (absence === 'moment' && keyed) return state('good', 'connection.connected')
  return state('wait', 'connection.connecting')
}

export function storageState(facts: Facts): State {
  const { status, offlineByChoice, ended, absence, canWrite, stored, slow, keptSince } = facts
  const connected = status === 'connected'
  if (connected && !canWrite && stored) return state('off', 'storage.read-only')
  if (connected && stored) return state('good', 'storage.stored')
  if (connected) return slow ? state('bad', 'storage.slow') : state('wait', 'storage.storing')
  if (stored) return absence === 'moment' ? state('good', 'storage.stored') : state('off', 'storage.nothing')
  if (offlineByChoice || ended || absence === 'long') {
    if (keptSince === undefined) return state('bad', 'storage.only-here')
    return state('wait', 'storage.on-device', { since: TIME.format(keptSince) })
  }
  return absence === 'moment' ? state('wait', 'storage.storing') : state('wait', 'storage.kept')
}
