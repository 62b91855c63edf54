/**
 * The life of one socket to a relay as a pure table: state + event → state + effects. No timers, sockets or randomness here.
 *
 *   idle ─want→ connecting ─opened→ greeting ─welcomed→ open
 *     ▲            │ closed            │ closed           │ closed
 *     └─unwant─────┴──── waiting ◀─────┴──────────────────┘      waiting ─due/wake→ connecting
 *   a permanent close (44xx) leads to `stopped`, which only `want` leaves.
 */
export type ConnectionState = 'idle' | 'connecting' | 'greeting' | 'open' | 'waiting' | 'stopped'

export type ConnectionEvent =
  | { type: 'want' }
  | { type: 'unwant' }
  | { type: 'opened' }
  | { type: 'welcomed' }
  | { type: 'closed'; permanent: boolean }
  | { type: 'due' }
  | { type: 'wake' }

export type ConnectionEffect =
  | 'open-socket'
  | 'close-socket'
  | 'say-hello'
  | 'announce-open'
  | 'start-wait'
  | 'stop-wait'

export interface Transition {
  state: ConnectionState
  effects: readonly ConnectionEffect[]
}

const stay = (state: ConnectionState): Transition => ({ state, effects: [] })

export function transition(state: ConnectionState, event: ConnectionEvent): Transition {
  switch (event.type) {
    case 'want':
      if (state === 'idle' || state === 'stopped') return { state: 'connecting', effects: ['open-socket'] }
      // A person who presses "connect" does not wait for the back-off.
      if (state === 'waiting') return { state: 'connecting', effects: ['stop-wait', 'open-socket'] }
      return stay(state)
    case 'unwant':
      if (state === 'waiting') return { state: 'idle', effects: ['stop-wait'] }
      if (state === 'idle' || state === 'stopped') return stay('idle')
      return { state: 'idle', effects: ['close-socket'] }
    case 'opened':
      // A client of one version has no choice to wait for: rooms join at once, which spares everybody a round trip (WIRE-13).
      return state === 'connecting' ? { state: 'greeting', effects: ['say-hello', 'announce-open'] } : stay(state)
    case 'welcomed':
      return stay(state === 'greeting' ? 'open' : state)
    case 'closed':
      if (state === 'idle' || state === 'stopped' || state === 'waiting') return stay(state)
      if (event.permanent) return { state: 'stopped', effects: ['close-socket'] }
      return { state: 'waiting', effects: ['close-socket', 'start-wait'] }
    case 'due':
      return state === 'waiting' ? { state: 'connecting', effects: ['open-socket'] } : stay(state)
    case 'wake':
      return state === 'waiting' ? { state: 'connecting', effects: ['stop-wait', 'open-socket'] } : stay(state)
  }
}
