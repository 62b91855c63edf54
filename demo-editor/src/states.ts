/** What the three badges are made of. */
export interface Facts {
  status: 'connected' | 'connecting' | 'disconnected'
  /** The person chose to work offline. */
  offlineByChoice: boolean
  /** The document's key has been here since the page was opened. */
  keyed: boolean
  /** Why there is no usable key, as the provider's problem code. */
  lockedBy?: string | undefined
  /** Every edit of this tab is durably stored at the relay. */
  stored: boolean
  /** The oldest edit waits for its confirmation longer than is usual. */
  slow: boolean
}

export interface State {
  tone: 'good' | 'wait' | 'bad' | 'off'
  text: string
  /** The longer sentence, for those who stop to read. */
  detail: string
}

export function encryptionState({ keyed, lockedBy }: Facts): State {
  if (lockedBy !== undefined) {
    return {
      tone: 'bad',
      text: 'Locked',
      detail: 'No usable key: nothing is sent, and what you write stays in this tab.',
    }
  }
  if (keyed) {
    return {
      tone: 'good',
      text: 'End-to-end encrypted',
      detail: 'Sealed in this browser with a key from the key endpoint. The relay has no key.',
    }
  }
  return { tone: 'wait', text: 'Waiting for the key', detail: 'Nothing is sent before the key is here.' }
}

export function connectionState({ status, offlineByChoice }: Facts): State {
  if (status === 'connected')
    return { tone: 'good', text: 'Connected', detail: 'The relay answers, and others see what you write.' }
  if (offlineByChoice)
    return { tone: 'off', text: 'Working offline', detail: 'You chose so. Write on: it will be merged.' }
  return { tone: 'wait', text: 'Connecting…', detail: 'Trying to reach the relay. Write on: it will be merged.' }
}

export function storageState({ status, stored, slow }: Facts): State {
  const connected = status === 'connected'
  if (connected && stored) {
    return { tone: 'good', text: 'All changes stored', detail: 'The relay has confirmed every change, as ciphertext.' }
  }
  if (connected && slow) {
    return { tone: 'bad', text: 'Not stored yet', detail: 'The relay takes long to confirm. Keep this tab open.' }
  }
  if (connected) return { tone: 'wait', text: 'Storing…', detail: 'Sent, and not yet confirmed by the relay.' }
  if (stored) return { tone: 'off', text: 'Nothing to send', detail: 'What you wrote before is stored at the relay.' }
  return { tone: 'bad', text: 'Changes only in this tab', detail: 'Keep this tab open until the connection is back.' }
}
