import { MIN_PROTOCOL_VERSION, PROTOCOL_VERSION } from '@y-sealed/protocol'
import { describe, expect, it } from 'vitest'
import {
  type ConnectionEvent,
  type ConnectionState,
  transition,
} from '../../../packages/provider/src/connection/connection-machine.ts'

const STATES: ConnectionState[] = ['idle', 'connecting', 'greeting', 'open', 'waiting', 'stopped']

/** state → "next state: effects", for every state in the order above. */
const TABLE: Array<[string, ConnectionEvent, string[]]> = [
  [
    'want',
    { type: 'want' },
    [
      'connecting: open-socket',
      'connecting:',
      'greeting:',
      'open:',
      'connecting: stop-wait open-socket',
      'connecting: open-socket',
    ],
  ],
  [
    'unwant',
    { type: 'unwant' },
    ['idle:', 'idle: close-socket', 'idle: close-socket', 'idle: close-socket', 'idle: stop-wait', 'idle:'],
  ],
  [
    'opened',
    { type: 'opened' },
    ['idle:', 'greeting: say-hello announce-open', 'greeting:', 'open:', 'waiting:', 'stopped:'],
  ],
  ['welcomed', { type: 'welcomed' }, ['idle:', 'connecting:', 'open:', 'open:', 'waiting:', 'stopped:']],
  [
    'closed, transient',
    { type: 'closed', permanent: false },
    [
      'idle:',
      'waiting: close-socket start-wait',
      'waiting: close-socket start-wait',
      'waiting: close-socket start-wait',
      'waiting:',
      'stopped:',
    ],
  ],
  [
    'closed for good',
    { type: 'closed', permanent: true },
    ['idle:', 'stopped: close-socket', 'stopped: close-socket', 'stopped: close-socket', 'waiting:', 'stopped:'],
  ],
  ['due', { type: 'due' }, ['idle:', 'connecting:', 'greeting:', 'open:', 'connecting: open-socket', 'stopped:']],
  [
    'wake',
    { type: 'wake' },
    ['idle:', 'connecting:', 'greeting:', 'open:', 'connecting: stop-wait open-socket', 'stopped:'],
  ],
]

describe('the connection, as a table', () => {
  for (const [name, event, row] of TABLE) {
    STATES.forEach((state, i) => {
      it(`${state} + ${name} → ${row[i]}`, () => {
        const { state: next, effects } = transition(state, event)
        expect(`${next}: ${effects.join(' ')}`.trim()).toBe(row[i])
      })
    })
  }
})

it('a client joins before it is welcomed for as long as it speaks one version: one that speaks two has to wait for the choice', () => {
  expect(MIN_PROTOCOL_VERSION).toBe(PROTOCOL_VERSION)
})
