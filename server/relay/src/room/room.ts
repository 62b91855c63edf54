import { type CloseReason, closeReasons } from '@y-sealed/protocol'
import type { CheckpointOf, Commit, LogHead, OpenedEpoch } from '../log/log-store.ts'
import type { Connection } from '../transport/connection.ts'
import type { Turn } from '../transport/turn.ts'
import { Batch } from './batch.ts'
import type { Delivery } from './delivery.ts'
import { awarenessFrame, heartbeatFrame, leftFrame, recheckFrame } from './down.ts'
import type { Heartbeat } from './heartbeat.ts'
import { type SharedFrame, shareFrame } from './shared-frame.ts'

/** Who a session is, for an operator. */
export interface MemberInfo {
  session: number
  subject: string
  role: 'read' | 'write'
  isObserver: boolean
  joinedAtUnixMs: number
}

/** A session as its room sees it. */
export interface Member {
  readonly number: number
  readonly channel: number
  readonly connection: Connection
  readonly delivery: Delivery
  /** Observers get the log and nothing else. */
  readonly isObserver: boolean
  readonly info: MemberInfo
  /** Ends it, and says why. */
  close(reason: CloseReason): void
}

/** The sessions of one document on this relay, the head of its log as they know it, and who says what beside the log. */
export class Room {
  readonly name: string
  head: LogHead
  /** Epochs opened since the room exists here, oldest first. */
  readonly opened: OpenedEpoch[] = []
  /** Its document was deleted: nobody joins any more. */
  isDeleted = false
  readonly #members = new Set<Member>()
  readonly #awareness = new Map<number, SharedFrame>()
  /** Members that others may know by their awareness, also if the relay has forgotten it since. */
  readonly #known = new Set<number>()
  readonly #turn: Turn
  readonly #heartbeat: Heartbeat
  #batch = new Batch()

  constructor(name: string, head: LogHead, turn: Turn, createHeartbeat: (room: Room) => Heartbeat) {
    this.name = name
    this.head = head
    this.#turn = turn
    this.#heartbeat = createHeartbeat(this)
  }

  get members(): Member[] {
    return [...this.#members]
  }

  get isEmpty(): boolean {
    return this.#members.size === 0
  }

  add(member: Member): void {
    this.#members.add(member)
    if (!member.isObserver) for (const session of this.#awareness.keys()) member.delivery.oweAwareness(session)
    this.#heartbeat.start()
  }

  remove(member: Member): void {
    this.#members.delete(member)
    this.#awareness.delete(member.number)
    if (this.isEmpty) this.#heartbeat.stop()
    if (!this.#known.delete(member.number)) return
    const frame = shareFrame((channel) => leftFrame(channel, member.number))
    for (const other of this.#members) {
      if (other.isObserver) continue
      other.delivery.forgetAwareness(member.number)
      other.connection.send(frame(other.channel))
    }
  }

  /** What is durable now; `author` has its ack and needs no copy. */
  apply(commit: Commit, author: Member): void {
    const { runs, sequence, hash, opened, named } = commit
    author.delivery.skip(runs, opened?.index)
    const [first] = runs
    // Told out of order: the batch begins anew, and the sessions read from the store what it lacks.
    if (first && this.#batch.last !== undefined && first.first !== this.#batch.last + 1) this.#batch = new Batch()
    this.#batch.add(runs)
    if (opened || sequence > this.head.sequence) this.#moveHead({ sequence, hash, record: opened ?? this.head.record })
    if (named) for (const member of this.#members) owe(member, named, true)
    this.#heartbeat.changed()
  }

  /** A checkpoint has become the newest of its epoch; `author` has its answer. */
  compacted(checkpoint: CheckpointOf, isNamed: boolean, author: Member): void {
    for (const member of this.#members) if (member !== author) owe(member, checkpoint, isNamed)
  }

  /** The store's head. Where it is ahead of this room's, the sessions read what they lack. */
  learn(head: LogHead): void {
    const isNewEpoch = head.record !== undefined && head.record.index > (this.head.record?.index ?? -1)
    if (!isNewEpoch && head.sequence <= this.head.sequence) return
    this.#moveHead(head)
    this.deliver()
  }

  /** A member's newest awareness: for everybody now, for those who join later, and never stored. */
  say(author: Member, envelope: Uint8Array): void {
    this.#known.add(author.number)
    this.#awareness.set(
      author.number,
      shareFrame((channel) => awarenessFrame(channel, author.number, envelope)),
    )
    for (const other of this.#members) {
      if (other !== author && !other.isObserver) other.delivery.oweAwareness(author.number)
    }
    this.#turn.deliverSoon(this)
  }

  awarenessOf(session: number): SharedFrame | undefined {
    return this.#awareness.get(session)
  }

  /** Hands every session what this turn has brought. */
  deliver(): void {
    const batch = this.#batch
    this.#batch = new Batch()
    for (const member of this.#members) member.delivery.offer(batch)
  }

  /** Tells the live sessions where the store says the log stands; the others are told at their `caught-up`. */
  beat(head: LogHead): void {
    // Read before the newest commit was told: a head that seems to go back would alarm every client.
    if (head.sequence !== this.head.sequence) return
    const frame = shareFrame((channel) => heartbeatFrame(channel, head))
    for (const { delivery, connection, channel } of this.#members) {
      if (delivery.isLive) connection.send(frame(channel))
    }
  }

  /** The document was deleted. */
  delete(): void {
    this.isDeleted = true
    for (const member of this.members) member.close(closeReasons.deleted)
  }

  /** Asks every member to look at its key endpoint. Observers have none, and one that is about to join asks by itself. */
  recheck(): void {
    const frame = shareFrame(recheckFrame)
    for (const { delivery, isObserver, connection, channel } of this.#members) {
      if (delivery.hasStarted && !isObserver) connection.send(frame(channel))
    }
  }

  #moveHead({
    sequence,
    hash,
    record,
  }: {
    sequence: number
    hash: Uint8Array
    record?: OpenedEpoch | undefined
  }): void {
    if (record && record.index > (this.head.record?.index ?? -1)) {
      this.opened.push(record)
      // Sealed for the epoch before: nobody who joins now could open it.
      this.#awareness.clear()
    }
    this.head = { sequence, hash, ...(record && { record }) }
    this.#turn.deliver(this)
  }
}

/** Observers have nothing to begin with. */
function owe({ isObserver, delivery }: Member, { place, epochIndex }: CheckpointOf, isNamed: boolean): void {
  if (!isObserver) delivery.oweCheckpoint(place, epochIndex, isNamed)
}
