import type { Limits, Up } from '@y-sealed/protocol'
import type { RelayConnection, RoomPort } from '../connection/relay-connection.ts'

/** The protocol's largest request number; long before it comes round, the connection is another. */
const MAX_REQUEST = 2 ** 31 - 1

/** What every part of a session asks the relay with. */
export interface Requests {
  channel(): number
  nextRequest(): number
  limits(): Limits
  send(messages: Up[]): void
}

type JoinFacts = Omit<Extract<Up, { type: 'join' }>, 'type' | 'channel'>

/** One document's place on a connection that it may share with others. */
export class Channel {
  readonly requests: Requests
  readonly #connection: RelayConnection
  #number: number
  #isJoinSent = false
  #lastRequest = 0

  constructor(connection: RelayConnection, port: RoomPort) {
    this.#connection = connection
    this.#number = connection.attach(port)
    this.requests = {
      channel: () => this.#number,
      nextRequest: () => this.#nextRequest(),
      limits: () => connection.limits,
      send: (messages) => connection.send(messages),
    }
  }

  get isJoinSent(): boolean {
    return this.#isJoinSent
  }

  get lastRequest(): number {
    return this.#lastRequest
  }

  /** Another number for each join: what is still on its way under the old one is nobody's. */
  renew(): void {
    this.#number = this.#connection.reattach(this.#number)
    this.#isJoinSent = false
  }

  /** Throws ProtocolError if the protocol has no words for it. */
  join(facts: JoinFacts): void {
    this.#connection.send([{ type: 'join', channel: this.#number, ...facts }])
    this.#isJoinSent = true
  }

  leave(): void {
    if (this.#isJoinSent) this.#connection.send([{ type: 'leave', channel: this.#number }])
    this.#isJoinSent = false
  }

  /** The session is over, and the relay knows or cannot be told. */
  left(): void {
    this.#isJoinSent = false
  }

  detach(): void {
    this.#connection.detach(this.#number)
  }

  #nextRequest(): number {
    this.#lastRequest = (this.#lastRequest % MAX_REQUEST) + 1
    return this.#lastRequest
  }
}
