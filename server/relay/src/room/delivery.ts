import type { Place } from '@y-sealed/protocol'
import type { EpochRecord, LogStore, OpenedEpoch, StoredRun } from '../log/log-store.ts'
import { runThrough } from '../log/run-chain.ts'
import type { Connection } from '../transport/connection.ts'
import { type Batch, groupRuns, type Part, partOf } from './batch.ts'
import { caughtUpFrame, compactedFrame, recordFrame } from './down.ts'
import { NewestCheckpoint } from './newest-checkpoint.ts'
import { PrunedError } from './pruned-error.ts'
import type { Room } from './room.ts'

export interface DeliveryOptions {
  store: LogStore
  room: Room
  /** Hears of no checkpoints. */
  isObserver: boolean
  connection: Connection
  channel: number
  /** Unsent bytes from which on the session is served from the store. */
  backlogBytes: number
  catchUpBytes: number
  /** The log cannot be read: the session cannot go on. A PrunedError: it was too slow, and finds another place when it joins again. */
  onDelivered(entries: number): void
  onFailure(error: unknown): void
}

/**
 * Brings one session everything that the log holds after its cursor, once and in order. There is one place in the log,
 * `next`, whether the session catches up or is live. Live means that the room's new runs begin exactly there: they are
 * sent from memory. Otherwise a loop reads the store from there on, as fast as the client takes it, until it stands at
 * the room's head. It finds that and becomes live in one step, so no run can fall between catching up and live.
 */
export class Delivery {
  readonly #to: DeliveryOptions
  #state: 'waiting' | 'reading' | 'live' | 'ended' = 'waiting'
  #next = 1
  /** Index of the epoch that delivery has come to; -1 = none. */
  #epochIndex = -1
  /** Records of later epochs that the log held at the join. */
  #records: readonly EpochRecord[] = []
  /** Stretches from `next` on that the session has appended itself: their ack stands for them. */
  #own: { first: number; last: number }[] = []
  /** Requests to be answered at the head; 0 is the join. */
  #reads: number[] = [0]
  /** Sessions whose newest awareness this one lacks. */
  readonly #awareness = new Set<number>()
  readonly #newest = new NewestCheckpoint()

  constructor(to: DeliveryOptions) {
    this.#to = to
  }

  /** The session has joined, and has not left. */
  get hasStarted(): boolean {
    return this.#state === 'reading' || this.#state === 'live'
  }

  /** Everything that the room knows of has been handed to the connection. */
  get isLive(): boolean {
    return this.#state === 'live'
  }

  /** Begins after this sequence, in the epoch of this index; `records` are those of the log, of which the later ones follow. */
  start(after: number, epochIndex: number, records: readonly EpochRecord[] = []): void {
    this.#next = after + 1
    this.#epochIndex = epochIndex
    this.#records = records
    this.#state = 'live'
    this.#catchUp()
  }

  /** Goes back to `after`, own entries included, and answers `request` at the head. */
  reread(request: number, after: number): void {
    this.#reads.push(request)
    this.#next = Math.min(this.#next, after + 1)
    this.#own = []
    this.#catchUp()
  }

  /** The session has appended these runs itself, or opened this epoch. */
  skip(runs: readonly StoredRun[], openedIndex = -1): void {
    for (const { first, count } of runs) this.#own.push({ first, last: first + count - 1 })
    this.#epochIndex = Math.max(this.#epochIndex, openedIndex)
  }

  /** Another session has awareness that this one lacks; it is sent at the next `offer`, or when the client has read on. */
  oweAwareness(session: number): void {
    this.#awareness.add(session)
  }

  /** A checkpoint has become the newest of this epoch, or counts as named. */
  oweCheckpoint(place: Place, epochIndex: number, isNamed: boolean): void {
    this.#newest.owe(place, epochIndex, isNamed)
    if (this.hasStarted) this.#sendCheckpoint(this.#next)
  }

  forgetAwareness(session: number): void {
    this.#awareness.delete(session)
  }

  /** The room's news of this turn. Never throws: one session's trouble is not the room's. */
  offer(batch: Batch): void {
    if (this.#state !== 'live') return
    try {
      this.#take(batch)
    } catch (error) {
      this.#fail(error)
    }
  }

  end(): void {
    this.#state = 'ended'
  }

  #take(batch: Batch): void {
    const { first = this.#next, last = this.#next - 1 } = batch
    const isNext = first === this.#next && last >= this.#to.room.head.sequence
    if (!isNext || this.#isBehind()) {
      this.#catchUp()
      return
    }
    this.#send(this.#own.length === 0 ? batch.parts() : batch.partsWhere((run) => !this.#isOwn(run)))
    this.#moveTo(last + 1)
    this.#sendAwareness()
    if (this.#awareness.size > 0) this.#catchUp()
  }

  #catchUp(): void {
    if (this.#state !== 'live') return
    this.#state = 'reading'
    this.#read().catch((error: unknown) => this.#fail(error))
  }

  #fail(error: unknown): void {
    this.end()
    this.#to.onFailure(error)
  }

  async #read(): Promise<void> {
    const { room, connection } = this.#to
    // A connection that is closing takes nothing more, and has nothing to wait for: `end` follows.
    while (this.#state === 'reading' && connection.isOpen) {
      if (this.#isBehind()) {
        await connection.drained()
      } else if (this.#next <= room.head.sequence) {
        await connection.oneByOne(() => this.#readOn())
      } else {
        this.#arrive()
      }
    }
  }

  /** One piece of the log, unless the other channels of the connection have filled the line meanwhile. */
  async #readOn(): Promise<void> {
    const { store, room, catchUpBytes } = this.#to
    if (this.#state !== 'reading' || this.#isBehind()) return
    const next = this.#next
    const runs = await store.read(room.name, next - 1, catchUpBytes)
    // A `read` may have gone back meanwhile.
    if (this.#state !== 'reading' || this.#next !== next) return
    if (runs[0]?.first !== next) throw await this.#lack(next)
    // The store may have a commit that its own session has not heard of yet: it goes out when the room is told of it.
    const { sequence: last } = room.head
    this.#sendRuns(runs.filter(({ first }) => first <= last).map((run) => runThrough(run, last)))
  }

  /** Why the store does not have this entry. */
  async #lack(sequence: number): Promise<Error> {
    const { store, room } = this.#to
    const isKept = await store.isWhole(room.name, sequence - 1, sequence)
    return isKept ? new Error('the store ends before its head') : new PrunedError()
  }

  /** At the head: what waited for it, and then live, unless the awareness of others alone fills the line. */
  #arrive(): void {
    const { room, connection, channel } = this.#to
    this.#moveTo(this.#next)
    for (const request of this.#reads) connection.send(caughtUpFrame(channel, request, room.head))
    this.#reads = []
    this.#sendAwareness()
    if (this.#awareness.size === 0) this.#state = 'live'
  }

  #sendRuns(runs: StoredRun[]): void {
    this.#send(groupRuns(runs.filter((run) => !this.#isOwn(run))).map(partOf))
    const last = runs.at(-1)
    if (last) this.#moveTo(last.first + last.count)
  }

  #send(parts: readonly Part[]): void {
    for (const { first, entries, frame } of parts) {
      this.#sendRecords(first)
      this.#to.connection.send(frame(this.#to.channel))
      this.#to.onDelivered(entries)
    }
  }

  #moveTo(next: number): void {
    this.#next = next
    if (this.#own.length > 0) this.#own = this.#own.filter(({ last }) => last >= next)
    this.#sendRecords(next)
    this.#sendCheckpoint(next)
  }

  /** An epoch's record goes out before its first entry and after the last one of the epoch before. */
  #sendRecords(next: number): void {
    if (this.#records.length > 0) {
      for (const record of this.#records) this.#sendRecord(record, next)
      this.#records = this.#records.filter(({ index }) => index > this.#epochIndex)
    }
    for (const record of this.#to.room.opened) this.#sendRecord(record, next)
  }

  #sendRecord(record: OpenedEpoch, next: number): void {
    if (record.index <= this.#epochIndex || record.after >= next) return
    this.#to.connection.send(recordFrame(this.#to.channel, record))
    this.#epochIndex = record.index
    if (record.checkpoint && !this.#to.isObserver) {
      this.#to.connection.send(compactedFrame(this.#to.channel, record.checkpoint, true))
    }
  }

  #sendCheckpoint(next: number): void {
    const due = this.#newest.due(this.#epochIndex, next - 1)
    if (due) this.#to.connection.send(compactedFrame(this.#to.channel, due.place, due.isNamed))
  }

  #sendAwareness(): void {
    for (const session of this.#awareness) {
      if (this.#isBehind()) return
      this.#awareness.delete(session)
      const frame = this.#to.room.awarenessOf(session)
      if (frame) this.#to.connection.send(frame(this.#to.channel))
    }
  }

  #isOwn(run: StoredRun): boolean {
    return this.#own.some(({ first, last }) => run.first >= first && run.first <= last)
  }

  #isBehind(): boolean {
    return this.#to.connection.backlogBytes > this.#to.backlogBytes
  }
}
