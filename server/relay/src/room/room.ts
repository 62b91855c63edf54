import { type CloseReason, closeReasons } from '@y-sealed/protocol'
import type { ShutOut } from '../auth/shut-out.ts'
import type { CheckpointOf, Commit, LogHead, OpenedEpoch, StoredRun } from '../log/log-store.ts'
import { sameHash } from '../log/record-hash.ts'
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
  /** Whether an operator has shut it out. */
  isIn(shutOut: ShutOut): boolean
  /** Ends it, and says why. */
  close(reason: CloseReason): void
}

/** The same room on other nodes of its store. */
export interface OutsideRoom {
  /** A session of ours has changed the log. */
  committed(commit: Commit): void
  /** A session of ours has stored a checkpoint. */
  compacted(checkpoint: CheckpointOf, isNamed: boolean): void
  said(session: number, epochIndex: number, envelope: Uint8Array): void
  left(session: number): void
  /** The store may have something that this room lacks. */
  look(): void
  /** Resolves when the room has what the store had when it was called. */
  caughtUp(): Promise<void>
}

/** What connects rooms to other nodes. */
export interface Outside {
  enter(room: Room): OutsideRoom
  leave(name: string): void
}

/** The sessions of one document on this relay, the head of its log as they know it, and who says what beside the log. */
export class Room {
  readonly name: string
  head: LogHead
  /** Epochs opened since the room exists here, oldest first. */
  readonly opened: OpenedEpoch[] = []
  /** Its document was deleted: nobody joins any more. */
  isDeleted = false
  /** Where several relays share a store. */
  outside: OutsideRoom | undefined
  /** Commits of our sessions of which the room has not been told yet. */
  readonly commits = new Set<Promise<unknown>>()
  /** The checkpoint of which members were told last, or have made. */
  #checkpoint: { name: Uint8Array; isNamed: boolean } | undefined
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
    if (this.isEmpty) this.#heartbeat.stop()
    this.outside?.left(member.number)
    this.hearLeft(member.number)
  }

  /** A session has left, here or elsewhere. */
  hearLeft(session: number): void {
    this.#awareness.delete(session)
    if (!this.#known.delete(session)) return
    const frame = shareFrame((channel) => leftFrame(channel, session))
    for (const other of this.#members) {
      if (other.isObserver) continue
      other.delivery.forgetAwareness(session)
      other.connection.send(frame(other.channel))
    }
  }

  /** What is durable now; `author` has its ack and needs no copy. */
  apply(commit: Commit, author: Member): void {
    const { runs, sequence, hash, opened, named } = commit
    author.delivery.skip(runs, opened?.index)
    this.outside?.committed(commit)
    if (named) this.#tellCheckpoint(named, true)
    // Of an epoch that another node has opened, and of which this room has not heard.
    const isUnheard = !opened && runs.some(({ epochIndex }) => epochIndex !== this.head.record?.index)
    if (isUnheard && this.outside) this.outside.look()
    else this.#grow(runs, { sequence, hash, record: opened ?? this.head.record })
  }

  /** Other nodes have stored these runs, which follow the head. */
  hear(runs: readonly StoredRun[], { sequence, hash }: Pick<LogHead, 'sequence' | 'hash'>): void {
    this.#grow(runs, { sequence, hash, record: this.head.record })
  }

  /** A checkpoint of `author`, who has its answer, has become the newest of its epoch. */
  compacted(checkpoint: CheckpointOf, isNamed: boolean, author: Member): void {
    this.outside?.compacted(checkpoint, isNamed)
    this.#tellCheckpoint(checkpoint, isNamed, author)
  }

  /** A checkpoint of another node's, or one that counts as named there; whoever was told of it is not told again. */
  hearCompacted(checkpoint: CheckpointOf, isNamed: boolean): void {
    const { name, isNamed: wasNamed } = this.#checkpoint ?? {}
    if (!sameHash(name, checkpoint.place.checkpoint) || wasNamed !== isNamed) this.#tellCheckpoint(checkpoint, isNamed)
  }

  /** Whether the store's head is ahead of this room's. */
  isBehind({ sequence, record }: Moved): boolean {
    return sequence > this.head.sequence || (record?.index ?? -1) > (this.head.record?.index ?? -1)
  }

  /** The store's head, and the epochs that were opened before it, oldest first. Where it is ahead of this room's, the sessions read what they lack. */
  learn(head: LogHead, opened: readonly OpenedEpoch[] = []): void {
    if (!this.isBehind(head)) return
    for (const record of opened) if (record.index > (this.head.record?.index ?? -1)) this.opened.push(record)
    const isOpened = opened.some(({ index }) => index === head.record?.index)
    if (isOpened) this.#awareness.clear()
    this.#moveHead(head, isOpened)
    this.deliver()
  }

  /** A member's newest awareness: for everybody now, for those who join later, and never stored. */
  say({ number: session }: Member, envelope: Uint8Array): void {
    this.outside?.said(session, this.head.record?.index ?? -1, envelope)
    this.hearAwareness(session, envelope)
  }

  /** The newest awareness of a session, here or elsewhere. */
  hearAwareness(session: number, envelope: Uint8Array): void {
    this.#known.add(session)
    this.#awareness.set(
      session,
      shareFrame((channel) => awarenessFrame(channel, session, envelope)),
    )
    for (const other of this.#members) {
      if (other.number !== session && !other.isObserver) other.delivery.oweAwareness(session)
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

  #grow(runs: readonly StoredRun[], head: Moved): void {
    const [first] = runs
    // Told out of order: the batch begins anew, and the sessions read from the store what it lacks.
    if (first && this.#batch.last !== undefined && first.first !== this.#batch.last + 1) this.#batch = new Batch()
    this.#batch.add(runs)
    if (this.isBehind(head)) this.#moveHead(head)
    this.#heartbeat.changed()
  }

  /** `isKnown`: its record stands among those that were opened already. */
  #moveHead({ sequence, hash, record }: Moved, isKnown = false): void {
    if (!isKnown && record && record.index > (this.head.record?.index ?? -1)) {
      this.opened.push(record)
      // Sealed for the epoch before: nobody who joins now could open it.
      this.#awareness.clear()
    }
    this.head = { sequence, hash, ...(record && { record }) }
    this.#turn.deliver(this)
  }

  #tellCheckpoint(checkpoint: CheckpointOf, isNamed: boolean, author?: Member): void {
    this.#checkpoint = { name: checkpoint.place.checkpoint, isNamed }
    for (const member of this.#members) if (member !== author) owe(member, checkpoint, isNamed)
  }
}

interface Moved {
  sequence: number
  hash: Uint8Array
  record?: OpenedEpoch | undefined
}

/** Observers have nothing to begin with. */
function owe({ isObserver, delivery }: Member, { place, epochIndex }: CheckpointOf, isNamed: boolean): void {
  if (!isObserver) delivery.oweCheckpoint(place, epochIndex, isNamed)
}
