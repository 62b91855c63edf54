import { closeReasons, type Down, type Joined, type Place, type Records, type Up } from '@y-sealed/protocol'
import { RelayConnection, type SealedError, type WebSocketConstructor } from 'y-sealed'
import { EXIT, Failure } from '../failure.ts'

/** A relay that is there has answered in a hundredth of it. */
const ANSWER_MS = 30_000

/** Behind every log: who joins there is sent nothing by itself, and asks for what it wants, at its own pace. */
const BEYOND = Number.MAX_SAFE_INTEGER

export interface RoomAddress {
  readonly relay: string
  readonly room: string
  readonly token: string
  readonly allowInsecure: boolean
}

export interface RoomState {
  readonly joined: Joined
  /** Every epoch record, oldest first. */
  readonly records: readonly Uint8Array[]
  /** The same as it was said: records that `joined` has no room for come before it. */
  readonly said: (Records | Joined)[]
}

type Answer = Extract<Down, { type: 'checkpoint' | 'checkpoints' | 'entries' }>

/** Reads what a relay holds of one room, without keys, one question after the other. */
export class RoomReader {
  readonly #connection: RelayConnection
  readonly #channel: number
  readonly #joined: Promise<RoomState>
  #request = 0
  #onMessage: (message: Down) => void
  #fail: (error: Failure) => void
  #patience: ReturnType<typeof setTimeout> | undefined

  constructor(address: RoomAddress, WebSocketPolyfill: WebSocketConstructor) {
    const { relay, allowInsecure } = address
    this.#connection = new RelayConnection(relay, { WebSocketPolyfill, allowInsecure, shouldReconnect: () => false })
    this.#onMessage = () => {}
    this.#fail = () => {}
    this.#channel = this.#connection.attach({
      onOpen: () => this.#send(joinOf(address, this.#channel)),
      onMessages: (messages) => {
        for (const message of messages) this.#receive(message)
      },
      onClosed: () => this.#fail(unreachable('the connection to the relay has ended')),
    })
    this.#connection.on('problem', ({ code, message }: SealedError) => this.#fail(failureOf(code, message)))
    this.#connection.on('closed', ({ code }) => this.#fail(closed(code)))
    const said: RoomState['said'] = []
    this.#joined = this.#await((message, resolve) => {
      if (message.type !== 'records' && message.type !== 'joined') return
      said.push(message)
      if (message.type !== 'joined') return
      resolve({ said, joined: message, records: said.flatMap(({ records }) => records) })
    })
    this.#connection.want(this)
  }

  /** What the relay says of the room. */
  state(): Promise<RoomState> {
    return this.#joined
  }

  /** The chunks of a checkpoint, as they come. */
  checkpoint(checkpoint: Uint8Array, take: (answer: Extract<Answer, { type: 'checkpoint' }>) => void): Promise<void> {
    return this.#ask(
      (request) => ({ type: 'fetch', channel: this.#channel, request, checkpoint, first: 1, last: 0 }),
      (message, resolve) => {
        if (message.type !== 'checkpoint') return
        take(message)
        if (message.first + message.chunks.length > message.total) resolve()
      },
    )
  }

  /** Where the checkpoints of an epoch stand. */
  places(record: Uint8Array): Promise<readonly Place[]> {
    return this.#ask(
      (request) => ({ type: 'checkpoints', channel: this.#channel, request, record }),
      (message, resolve) => {
        if (message.type === 'checkpoints') resolve(message.places)
      },
    )
  }

  /** The entries after one sequence through another. */
  entries(after: number, to: number, take: (answer: Extract<Answer, { type: 'entries' }>) => void): Promise<void> {
    let through = after
    return this.#ask(
      (request) => ({ type: 'read', channel: this.#channel, request, after, to }),
      (message, resolve, reject) => {
        // They carry no request: those that are next are the answer's, and nothing else is sent to a reader behind the log's end.
        if (message.type === 'entries') {
          if (message.first !== through + 1 || through + message.entries.length > to) return
          through += message.entries.length
          take(message)
        } else if (message.type === 'caught-up') {
          if (through === to) resolve()
          else
            reject(new Failure('withheld', `the relay shows its log through ${through} of ${to}`, EXIT.contradiction))
        }
      },
    )
  }

  close(): void {
    clearTimeout(this.#patience)
    this.#connection.destroy()
  }

  #ask<Result>(
    up: (request: number) => Up,
    take: (message: Down, resolve: (result: Result) => void, reject: (error: Failure) => void) => void,
  ): Promise<Result> {
    const request = ++this.#request
    const answer = this.#await<Result>((message, resolve, reject) => {
      if ('request' in message && message.request !== request) return
      if (message.type === 'refused')
        reject(new Failure(message.code, `the relay refuses: ${message.code}`, EXIT.relay))
      else take(message, resolve, reject)
    })
    this.#send(up(request))
    return answer
  }

  #await<Result>(
    take: (message: Down, resolve: (result: Result) => void, reject: (error: Failure) => void) => void,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#fail = (error) => {
        clearTimeout(this.#patience)
        reject(error)
      }
      this.#waitOn()
      this.#onMessage = (message) => {
        this.#waitOn()
        take(
          message,
          (result) => {
            clearTimeout(this.#patience)
            resolve(result)
          },
          this.#fail,
        )
      }
    })
  }

  #waitOn(): void {
    clearTimeout(this.#patience)
    this.#patience = setTimeout(() => this.#fail(unreachable('the relay does not answer')), ANSWER_MS)
  }

  #receive(message: Down): void {
    if (message.type === 'closed') this.#fail(closed(message.code))
    else this.#onMessage(message)
  }

  #send(message: Up): void {
    this.#connection.send([message])
  }
}

function joinOf({ room, token }: RoomAddress, channel: number): Up {
  const nothing = new Uint8Array(0)
  return { type: 'join', channel, room, token, params: {}, cursor: BEYOND, hash: nothing, observe: true }
}

const unreachable = (message: string) => new Failure('relay-unavailable', message, EXIT.relay)

function failureOf(code: string, message: string): Failure {
  return new Failure(code, message, code === 'relay-fault' ? EXIT.contradiction : EXIT.relay)
}

function closed(code: number): Failure {
  const name = Object.entries(closeReasons).find(([, reason]) => reason.code === code)
  if (name === undefined) return unreachable(`the connection to the relay has ended (${code})`)
  return new Failure(name[0], `the relay closed with ${code}: ${name[1].meaning}`, EXIT.relay)
}
