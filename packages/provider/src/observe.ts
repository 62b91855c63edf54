export { type EpochRecord, parseEpochRecord, recordHash } from '@y-sealed/envelope'
export { EnvelopeKind, type Header, parseHeader } from '@y-sealed/protocol/header'

import type { Clock } from '@y-sealed/key-client'
import type { Down } from '@y-sealed/protocol'
import { ObservableV2 } from 'lib0/observable'
import { RelayConnection } from './connection/relay-connection.ts'
import type { CloseFacts, WebSocketConstructor } from './connection/web-socket.ts'
import { errorName } from './error-name.ts'
import { SealedError } from './sealed-error.ts'

export interface ObserveOptions {
  token?: string | (() => string | Promise<string>)
  WebSocketPolyfill?: WebSocketConstructor
  allowInsecure?: boolean
  unsafeClock?: Clock
}

export interface StoredEntry {
  readonly sequence: number
  /** What the relay stores: public header and ciphertext. */
  readonly envelope: Uint8Array
}

interface ObserverEvents {
  entry: (entry: StoredEntry) => void
  /** An epoch record, in clear as the relay has it. */
  record: (record: Uint8Array) => void
  /** The last entry that the relay had when it was asked. */
  'caught-up': (sequence: number) => void
  problem: (error: SealedError) => void
  closed: (event: CloseFacts) => void
}

/** A join without keys: yields what the relay stores, as the relay sees it. Nothing can be read or written through it. */
export class Observer extends ObservableV2<{ [Name in keyof ObserverEvents]: ObserverEvents[Name] }> {
  readonly #connection: RelayConnection
  readonly #channel: number
  readonly #room: string
  readonly #token: () => string | Promise<string>
  #last = 0

  constructor(url: string, room: string, options: ObserveOptions) {
    super()
    const { token = '', ...connectionOptions } = options
    this.#room = room
    this.#token = typeof token === 'function' ? token : () => token
    this.#connection = new RelayConnection(url, connectionOptions)
    this.#connection.on('problem', (error) => this.emit('problem', [error]))
    this.#connection.on('closed', (event) => this.emit('closed', [event]))
    this.#channel = this.#connection.attach({
      onOpen: () => void this.#join(),
      onMessages: (messages) => {
        for (const message of messages) this.#receive(message)
      },
      onClosed: () => {},
    })
    this.#connection.want(this)
  }

  close(): void {
    this.#connection.destroy()
    super.destroy()
  }

  async #join(): Promise<void> {
    let token: string
    try {
      token = await this.#token()
    } catch (error) {
      this.emit('problem', [
        new SealedError('authentication-failed', `the option token failed (${errorName(error)})`, 'token'),
      ])
      this.#connection.reset()
      return
    }
    this.#connection.send([
      {
        type: 'join',
        channel: this.#channel,
        room: this.#room,
        token,
        params: {},
        cursor: 0,
        hash: new Uint8Array(0),
        observe: true,
      },
    ])
  }

  #receive(message: Down): void {
    if (message.type === 'records' || message.type === 'joined') {
      for (const record of message.records) this.emit('record', [record])
    } else if (message.type === 'record') this.emit('record', [message.record])
    else if (message.type === 'caught-up') this.emit('caught-up', [message.sequence])
    else if (message.type === 'closed') this.emit('closed', [{ code: message.code, reason: message.reason }])
    else if (message.type === 'entries') {
      message.entries.forEach(({ envelope }, i) => {
        const sequence = message.first + i
        // After a reconnect the relay begins again at the first entry.
        if (sequence <= this.#last) return
        this.#last = sequence
        this.emit('entry', [{ sequence, envelope }])
      })
    }
  }
}

/** `observe(url, room)`: listen with `on('entry', …)` in the same turn, end with `close()`. */
export function observe(url: string, room: string, options: ObserveOptions = {}): Observer {
  return new Observer(url, room, options)
}
