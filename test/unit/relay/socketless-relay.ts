import { type Down, encodeFrame, parseDownFrame, type Up } from '@y-sealed/protocol'
import { DEFAULT_RELAY_LIMITS } from '@y-sealed/relay'
import type { Access } from '../../../server/relay/src/auth/authorize.ts'
import { ShutOut } from '../../../server/relay/src/auth/shut-out.ts'
import type { LogStore } from '../../../server/relay/src/log/log-store.ts'
import { openSqliteLogStore } from '../../../server/relay/src/log/sqlite-log-store.ts'
import { Rooms } from '../../../server/relay/src/room/rooms.ts'
import { Conversation } from '../../../server/relay/src/session/conversation.ts'
import { HeldBytes } from '../../../server/relay/src/session/held-bytes.ts'
import { Metrics } from '../../../server/relay/src/telemetry/metrics.ts'
import type { Connection } from '../../../server/relay/src/transport/connection.ts'
import { createTurn } from '../../../server/relay/src/transport/turn.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const QUIET = { info() {}, warn() {}, error() {} }

type Stalling = 'append' | 'read' | 'records'

/** A client of a relay without sockets. */
export interface SocketlessClient {
  readonly heard: readonly Down[]
  /** All in one frame. */
  say(...messages: Up[]): void
}

/** The join of a room by somebody who has nothing of it. */
export function joinOf(room: string, channel = 1): Up {
  const nothing = { token: '', params: {}, cursor: 0, hash: new Uint8Array(0), observe: false }
  return { type: 'join', channel, room, ...nothing }
}

/** A relay without sockets, whose store and issuer answer when a test says so. */
export class SocketlessRelay {
  readonly held: HeldBytes
  readonly store: LogStore
  /** What every token allows. */
  access: Access = { subject: '', role: 'write' }
  readonly #stored = openSqliteLogStore('memory')
  readonly #gates = new Map<Stalling | 'authorize', Promise<void>>()
  readonly #context

  constructor({ maxHeldBytes = DEFAULT_RELAY_LIMITS.maxHeldBytes } = {}) {
    this.held = new HeldBytes(maxHeldBytes)
    const stored = this.#stored
    this.store = {
      ...stored,
      append: (request) => this.#after('append', () => stored.append(request)),
      read: (room, after, maxBytes) => this.#after('read', () => stored.read(room, after, maxBytes)),
      records: (room, held) => this.#after('records', () => stored.records(room, held)),
    }
    const clock = new FakeClock()
    const limits = DEFAULT_RELAY_LIMITS
    this.#context = {
      ...{ store: this.store, clock, limits, held: this.held, log: QUIET },
      ...{ shutOut: new ShutOut(clock), metrics: new Metrics() },
      rooms: new Rooms({ store: this.store, turn: createTurn(), clock, limits, log: QUIET }),
      authorize: () => this.#after('authorize', async () => this.access),
    }
  }

  /** Somebody who has said hello. */
  connect(): SocketlessClient {
    const context = this.#context
    const stranger = { saidHello() {}, heardMessage: () => true, end() {} }
    const heard: Down[] = []
    const connection: Connection = {
      ...{ address: '', backlogBytes: 0, isOpen: true, bytesHeard: 0 },
      send: (frame) => void heard.push(...parseDownFrame(frame)),
      drained: async () => {},
      oneByOne: (task) => task(),
      close() {},
    }
    const conversation = new Conversation({ context, connection, stranger, mayAsk: () => true })
    const say = (...messages: Up[]) => conversation.receive(encodeFrame(messages))
    say({ type: 'hello', minVersion: 1, maxVersion: 1, agent: '' })
    return { heard, say }
  }

  /** What is asked of it from now on is answered once the returned function was called. */
  stall(what: Stalling | 'authorize'): () => void {
    let goOn = (): void => {}
    const gate = new Promise<void>((resolve) => {
      goOn = resolve
    })
    this.#gates.set(what, gate)
    return () => {
      this.#gates.delete(what)
      goOn()
    }
  }

  close(): Promise<void> {
    return this.#stored.close()
  }

  async #after<T>(what: Stalling | 'authorize', act: () => Promise<T>): Promise<T> {
    await this.#gates.get(what)
    return await act()
  }
}
