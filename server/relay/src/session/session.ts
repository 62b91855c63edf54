import { randomInt } from 'node:crypto'
import {
  type CheckpointsUp,
  checkpointHash,
  type Down,
  encodeFrame,
  type Fetch,
  hashPrefix,
  type Lease,
  type NewBlock,
  type Open,
  type Pause,
  ProtocolError,
  type Read,
  type Release,
} from '@y-sealed/protocol'
import { EnvelopeKind, recordPrefix } from '@y-sealed/protocol/header'
import type { RelayContext } from '../context.ts'
import type { AppendResult } from '../log/log-store.ts'
import { recordHash, sameHash } from '../log/record-hash.ts'
import { Delivery } from '../room/delivery.ts'
import type { Member, Room } from '../room/room.ts'
import { errorFields } from '../telemetry/log.ts'
import type { Connection } from '../transport/connection.ts'
import { HeldLease, storedLeaseMs } from './held-lease.ts'
import { headerOf, newEntries, newRuns, type Write } from './new-runs.ts'
import { Refusal } from './refusal.ts'
import { SideReads } from './side-reads.ts'
import { type NewEntries, Staging } from './staging.ts'

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
  readonly #sideReads: SideReads
  #lease: HeldLease | undefined
  #hasLeft = false

  constructor({ context, room, connection, channel, role, isObserver, onFailure }: SessionOptions) {
    this.room = room
    this.connection = connection
    this.channel = channel
    this.role = role
    this.isObserver = isObserver
    this.#context = context
    this.#staging = new Staging(context.held, context.limits.maxAppendBytes)
    const { backlogBytes, catchUpBytes, maxWaitingRequests: maxWaiting } = context.limits
    const reading = { store: context.store, connection, channel, backlogBytes, catchUpBytes, onFailure }
    this.delivery = new Delivery({ ...reading, room })
    this.#sideReads = new SideReads({ ...reading, room: room.name, maxWaiting })
    room.add(this)
  }

  /** Hears and says nothing any more; what it still writes is stored, unanswered. */
  leave(): void {
    if (this.#hasLeft) return
    this.#hasLeft = true
    this.delivery.end()
    this.#sideReads.end()
    this.room.remove(this)
  }

  end(): void {
    this.leave()
    this.#staging.drop()
    if (this.#lease) this.#giveBack().catch((error: unknown) => this.#tell(error))
  }

  /** Sends entries again, a checkpoint, or which ones there are. Only a read through the head moves live delivery. */
  read(message: Read | Fetch | CheckpointsUp): void {
    if (message.type === 'read' && message.to === 0) this.delivery.reread(message.request, message.after)
    else if (!this.#sideReads.add(message))
      this.#refuse(message.request, new Refusal('limit', 'too many reads at once'))
  }

  /** Carries out one request, whose bytes have been taken from HeldBytes, and answers it. */
  async write(message: Write): Promise<void> {
    const { request } = message
    const staging = this.#lease?.request === request ? this.#lease.staging : this.#staging
    let bytes = message.envelopes.envelopeBytes
    try {
      if (!this.mayWrite) throw new Refusal('write-denied', 'this session may only read')
      const { envelopes } = message
      const brought = message.type === 'append' ? { runs: newRuns(envelopes), chunks: [] } : newEntries(envelopes)
      if (brought.chunks.length > 0) this.#checkMayBringChunks(request)
      if (message.type === 'stage') {
        staging.add(request, brought, bytes)
        bytes = 0
        this.#send({ type: 'staged', channel: this.channel, request })
      } else {
        const taken = staging.take(request, brought, bytes)
        bytes = taken.bytes
        if (message.type === 'append') await this.#append(request, taken)
        else if (message.type === 'open') await this.#open(message, taken)
        else throw new Refusal('busy', REFUSALS.busy)
      }
    } catch (error) {
      staging.drop()
      this.#refuse(request, error)
    } finally {
      this.#context.held.release(bytes)
    }
  }

  /** Takes or gives back the document's lease, or pauses its appends, and answers that. */
  async claim(message: Lease | Pause | Release): Promise<void> {
    const { channel } = this
    const { type, request } = message
    try {
      if (type === 'release') {
        await this.#giveBack()
        this.#send({ type: 'released', channel, request })
      } else if (!this.mayWrite) {
        throw new Refusal('write-denied', 'this session may only read')
      } else if (type === 'lease') {
        await this.#takeLease(message)
      } else {
        await this.#pause(request)
      }
    } catch (error) {
      this.#refuse(request, error)
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

  async #append(request: number, { runs, chunks }: NewEntries): Promise<void> {
    if (chunks.length > 0) throw new Refusal('malformed', 'a checkpoint is no entry of a log')
    if (runs.length === 0) throw new Refusal('malformed', 'an append without entries')
    const append = { room: this.room.name, session: this.number, runs }
    const { sequence, hash } = await this.#commit(this.#context.store.append(append))
    const count = runs.reduce((sum, run) => sum + run.count, 0)
    this.#send({ type: 'ack', channel: this.channel, request, sequence, count, hash: hashPrefix(hash) })
  }

  async #open(message: Open<NewBlock>, { runs, chunks }: NewEntries): Promise<void> {
    const { request, record, previous, hash: replacedHash, checkpoint } = message
    const { index } = prefixOf(record)
    if ([...runs, ...chunks].some(({ epochIndex }) => epochIndex !== index)) {
      throw new Refusal('malformed', 'an entry of another epoch than the record')
    }
    const computed = chunks.length > 0 ? checkpointHash(chunks.map((chunk) => chunk.hash)) : undefined
    if (!sameHash(computed, checkpoint)) throw new Refusal('malformed', 'not the checkpoint that is staged')
    // What is staged under the lease would be left behind.
    if (previous && this.#lease && this.#lease.request !== request) {
      throw new Refusal('busy', "an open has its lease's number")
    }
    const { sequence, hash } = await this.#commit(
      this.#context.store.open({
        room: this.room.name,
        session: this.number,
        runs,
        chunks,
        record: { index, bytes: record, hash: recordHash(record) },
        replaces: previous && replacedHash && { record: previous, sequence: message.sequence, hash: replacedHash },
      }),
    )
    this.#dropLease()
    this.#send({ type: 'opened', channel: this.channel, request, record, sequence, hash: hashPrefix(hash) })
  }

  async #takeLease({ request, purpose, head }: Lease): Promise<void> {
    const { store, clock, limits, held } = this.#context
    const { number: session, connection, channel } = this
    const { leaseMs, maxAppendBytes } = limits
    const document = { room: this.room.name, session, leaseMs: storedLeaseMs(leaseMs) }
    const result = await store.lease({ ...document, purpose, head })
    if (!result.granted) throw new Refusal(result.code, REFUSALS[result.code], result.record)
    this.#dropLease()
    const renew = () => store.renew(document)
    const staging = new Staging(held, maxAppendBytes)
    const onLost = () => this.#dropLease()
    this.#lease = new HeldLease({ clock, connection, request, staging, leaseMs, renew, onLost })
    if (this.#hasLeft) await this.#giveBack()
    this.#send({ type: 'leased', channel, request, leaseMs })
  }

  async #pause(request: number): Promise<void> {
    const { store, limits } = this.#context
    const { pauseMs, pauseAgainMs: againMs } = limits
    const result = await store.pause({ room: this.room.name, session: this.number, pauseMs, againMs })
    if (!result.granted) throw new Refusal(result.code, REFUSALS[result.code])
    const { sequence, hash } = result
    this.#send({ type: 'paused', channel: this.channel, request, sequence, hash })
  }

  /** Ends lease and pause, also in the store. */
  async #giveBack(): Promise<void> {
    this.#dropLease()
    await this.#context.store.release(this.room.name, this.number)
  }

  #dropLease(): void {
    this.#lease?.end()
    this.#lease = undefined
  }

  #checkMayBringChunks(request: number): void {
    // Nothing can be leased where there is no record: a relay that was wiped gets its first one with a checkpoint.
    const isFirst = this.room.head.record === undefined
    if (!isFirst && this.#lease?.request !== request) throw new Refusal('busy', REFUSALS.busy)
  }

  async #commit(write: Promise<AppendResult>) {
    const result = await this.#context.rooms.commit(this.room, this, write)
    if (!result.stored) throw new Refusal(result.code, REFUSALS[result.code], result.record)
    return result.commit
  }

  #refuse(request: number, error: unknown): void {
    const refusal = error instanceof Refusal ? error : new Refusal('internal', 'the relay could not store it')
    if (refusal !== error) this.#tell(error)
    const { code, message: detail, record } = refusal
    this.#send({ type: 'refused', channel: this.channel, request, code, detail, ...(record && { record }) })
  }

  #tell(error: unknown): void {
    this.#context.log.error('request failed', errorFields(error))
  }

  #send(message: Down): void {
    // The client may already use the channel's number for another room.
    if (this.#hasLeft) return
    this.connection.send(encodeFrame([message]))
  }
}

const REFUSALS = {
  'stale-epoch': 'not the head of the log',
  paused: 'an epoch is about to be opened',
  busy: "the lease is not this session's",
  limit: 'the last pause ran out a moment ago',
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
