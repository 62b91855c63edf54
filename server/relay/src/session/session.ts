import { randomInt } from 'node:crypto'
import {
  type Append,
  type Down,
  encodeFrame,
  envelopeBytes,
  hashPrefix,
  type Open,
  ProtocolError,
  type Read,
  type Stage,
} from '@y-sealed/protocol'
import { EnvelopeKind, recordPrefix } from '@y-sealed/protocol/header'
import type { RelayContext } from '../context.ts'
import type { AppendResult, NewRun } from '../log/log-store.ts'
import { recordHash } from '../log/record-hash.ts'
import { Delivery } from '../room/delivery.ts'
import type { Member, Room } from '../room/room.ts'
import { errorFields } from '../telemetry/log.ts'
import type { Connection } from '../transport/connection.ts'
import { headerOf, newRuns } from './new-runs.ts'
import { Refusal } from './refusal.ts'
import { Staging } from './staging.ts'

// Drawn, not counted: a salt belongs to the session that used it first, also after a restart and on another node.
const SESSION_NUMBERS = 2 ** 48 - 1

export interface SessionOptions {
  context: RelayContext
  room: Room
  connection: Connection
  channel: number
  role: 'read' | 'write'
  isObserver: boolean
  /** The log cannot be read any more. */
  onFailure(error: unknown): void
}

/** One provider's join of one room, from `joined` to its end. */
export class Session implements Member {
  readonly number = randomInt(1, SESSION_NUMBERS)
  readonly room: Room
  readonly connection: Connection
  readonly channel: number
  readonly isObserver: boolean
  readonly delivery: Delivery
  role: 'read' | 'write'
  readonly #context: RelayContext
  readonly #staging: Staging
  #hasLeft = false

  constructor({ context, room, connection, channel, role, isObserver, onFailure }: SessionOptions) {
    this.room = room
    this.connection = connection
    this.channel = channel
    this.role = role
    this.isObserver = isObserver
    this.#context = context
    this.#staging = new Staging(context.held, context.limits.maxAppendBytes)
    const { backlogBytes, catchUpBytes } = context.limits
    const { store } = context
    this.delivery = new Delivery({ store, room, connection, channel, backlogBytes, catchUpBytes, onFailure })
    room.add(this)
  }

  /** Hears and says nothing any more; what it still writes is stored, unanswered. */
  leave(): void {
    if (this.#hasLeft) return
    this.#hasLeft = true
    this.delivery.end()
    this.room.remove(this)
  }

  end(): void {
    this.leave()
    this.#staging.drop()
  }

  read({ request, after }: Read): void {
    this.delivery.reread(request, after)
  }

  /** Carries out one request, whose bytes have been taken from HeldBytes, and answers it. */
  async write(message: Stage | Append | Open): Promise<void> {
    const { request } = message
    let bytes = envelopeBytes(message.envelopes)
    try {
      if (!this.mayWrite) throw new Refusal('write-denied', 'this session may only read')
      const runs = newRuns(message.envelopes)
      if (message.type === 'stage') {
        this.#staging.add(request, runs, bytes)
        bytes = 0
        this.#send({ type: 'staged', channel: this.channel, request })
      } else {
        const taken = this.#staging.take(request, runs, bytes)
        bytes = taken.bytes
        await (message.type === 'append' ? this.#append(request, taken.runs) : this.#open(message, taken.runs))
      }
    } catch (error) {
      this.#staging.drop()
      this.#refuse(request, error)
    } finally {
      this.#context.held.release(bytes)
    }
  }

  /** Passes awareness on, or refuses it as request 0: awareness has no requests of its own. */
  say(envelope: Uint8Array): void {
    try {
      if (this.isObserver) throw new Refusal('write-denied', 'an observer says nothing')
      const { kind, epochIndex } = headerOf(envelope)
      if (kind !== EnvelopeKind.awareness) throw new Refusal('malformed', `kind ${kind} is no awareness`)
      // Sealed for another epoch than the others have now: each member says its own again when it adopts an epoch.
      if (epochIndex === this.room.head.record?.index) this.room.say(this, envelope)
    } catch (error) {
      this.#refuse(0, error)
    }
  }

  get mayWrite(): boolean {
    return this.role === 'write' && !this.isObserver
  }

  async #append(request: number, runs: NewRun[]): Promise<void> {
    if (runs.length === 0) throw new Refusal('malformed', 'an append without entries')
    const append = { room: this.room.name, session: this.number, runs }
    const { sequence, hash } = await this.#commit(this.#context.store.append(append))
    const count = runs.reduce((sum, run) => sum + run.count, 0)
    this.#send({ type: 'ack', channel: this.channel, request, sequence, count, hash: hashPrefix(hash) })
  }

  async #open({ request, record, previous }: Open, runs: NewRun[]): Promise<void> {
    const { index } = prefixOf(record)
    if (runs.some(({ epochIndex }) => epochIndex !== index)) {
      throw new Refusal('malformed', 'an entry of another epoch than the record')
    }
    const { sequence, hash } = await this.#commit(
      this.#context.store.open({
        room: this.room.name,
        session: this.number,
        runs,
        record: { index, bytes: record, hash: recordHash(record) },
        previous,
      }),
    )
    this.#send({ type: 'opened', channel: this.channel, request, record, sequence, hash: hashPrefix(hash) })
  }

  async #commit(write: Promise<AppendResult>) {
    const result = await this.#context.rooms.commit(this.room, this, write)
    if (!result.stored) throw new Refusal(result.code, REFUSALS[result.code], result.record)
    return result.commit
  }

  #refuse(request: number, error: unknown): void {
    const refusal = error instanceof Refusal ? error : new Refusal('internal', 'the relay could not store it')
    if (refusal !== error) this.#context.log.error('request failed', errorFields(error))
    const { code, message: detail, record } = refusal
    this.#send({ type: 'refused', channel: this.channel, request, code, detail, ...(record && { record }) })
  }

  #send(message: Down): void {
    // The client may already use the channel's number for another room.
    if (this.#hasLeft) return
    this.connection.send(encodeFrame([message]))
  }
}

const REFUSALS = {
  'stale-epoch': 'not the epoch at the head of the log',
  'out-of-order': "not this session's salt, or not its next counter",
  malformed: 'the index of a record rises, from 0',
} as const

function prefixOf(record: Uint8Array): { index: number } {
  try {
    return recordPrefix(record)
  } catch (error) {
    if (error instanceof ProtocolError) throw new Refusal('malformed', error.message)
    throw error
  }
}
