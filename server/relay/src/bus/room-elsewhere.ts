import { runBytes } from '../log/added-bytes.ts'
import type { CheckpointOf, Commit, LogHead, LogStore, OpenedEpoch } from '../log/log-store.ts'
import { sameHash } from '../log/record-hash.ts'
import type { OutsideRoom, Room } from '../room/room.ts'
import type { NodeMessage, RoomMessage } from './bus-message.ts'

// What is larger is read from the store by those who need it: a bus is no place for bytes.
const MAX_SAID_BYTES = 64 * 1024

export interface RoomElsewhereOptions {
  room: Room
  store: LogStore
  say(message: RoomMessage): void
  now(): number
  onFailure(error: unknown): void
  /** The store had something that nobody has said. */
  onRepair(): void
}

type AwarenessMessage = Extract<RoomMessage, { type: 'awareness' }>

interface Guest {
  node: string
  heardAt: number
}

/** One room as the other nodes have it: what they say of it goes to its sessions, and what its sessions do is said to them. */
export class RoomElsewhere implements OutsideRoom {
  readonly #options: RoomElsewhereOptions
  /** Sessions of other nodes that have said something. */
  readonly #guests = new Map<number, Guest>()
  /** Newest awareness of our own sessions, for nodes that come later. */
  readonly #said = new Map<number, { epochIndex: number; envelope: Uint8Array }>()
  /** Newest awareness of guests that are in an epoch of which this node has not heard yet. */
  readonly #early = new Map<number, Guest & { message: AwarenessMessage }>()
  #checkpoints: number | undefined
  #looking: Promise<void> | undefined
  #mustLookAgain = false

  constructor(options: RoomElsewhereOptions) {
    this.#options = options
  }

  committed({ runs, sequence, hash, opened, named }: Commit): void {
    const { say } = this.#options
    if (opened || runBytes(runs) > MAX_SAID_BYTES) say({ type: 'look' })
    else say({ type: 'entries', runs, sequence, hash })
    if (named) say({ type: 'checkpoint', ...named, isNamed: true })
  }

  compacted({ place, epochIndex }: CheckpointOf, isNamed: boolean): void {
    this.#options.say({ type: 'checkpoint', place, epochIndex, isNamed })
  }

  said(session: number, epochIndex: number, envelope: Uint8Array): void {
    this.#said.set(session, { epochIndex, envelope })
    this.#options.say({ type: 'awareness', session, epochIndex, envelope })
  }

  left(session: number): void {
    if (this.#said.delete(session)) this.#options.say({ type: 'left', session })
  }

  /** The store is ahead of the room, by something that is not known. */
  look(): void {
    if (this.#looking) {
      this.#mustLookAgain = true
      return
    }
    this.#looking = this.#look()
      .catch(this.#options.onFailure)
      .finally(() => {
        this.#looking = undefined
        this.#hearEarly()
        if (!this.#mustLookAgain) return
        this.#mustLookAgain = false
        this.look()
      })
  }

  async caughtUp(): Promise<void> {
    await this.#looking
    await this.#look()
  }

  isBehind(head: LogHead): boolean {
    return this.#options.room.isBehind(head)
  }

  /** What another node has said of the room. */
  hear(node: string, message: RoomMessage | NodeMessage): void {
    switch (message.type) {
      case 'entries':
        this.#hearEntries(message)
        break
      case 'look':
        this.look()
        break
      case 'checkpoint':
        this.#options.room.hearCompacted(message, message.isNamed)
        break
      case 'awareness':
        this.#hearAwareness(node, message)
        break
      case 'left':
        this.#dropGuest(message.session)
        break
      case 'who':
        this.tell(node)
        break
      case 'here':
        this.#hearHere(node, message.sessions)
        break
      case 'recheck':
        this.#options.room.recheck()
        break
    }
  }

  /** Tells this node, or all, who is here and what they have said. */
  tell(to?: string): void {
    const { say } = this.#options
    const only = to === undefined ? {} : { to }
    if (to !== undefined && this.#said.size === 0) return
    say({ type: 'here', sessions: [...this.#said.keys()], ...only })
    for (const [session, awareness] of this.#said) say({ type: 'awareness', session, ...awareness, ...only })
  }

  /** Sessions of nodes that are not there any more, or of whom nobody has said anything since a time. */
  dropGuests(isGone: (guest: Guest) => boolean): void {
    for (const [session, guest] of [...this.#guests, ...this.#early]) if (isGone(guest)) this.#dropGuest(session)
  }

  /** What the store counts; another number than the last: something has changed about checkpoints, and nobody may have said so. */
  countsCheckpoints(count: number): void {
    const before = this.#checkpoints
    this.#checkpoints = count
    if (before !== undefined && before !== count) this.#lookAtCheckpoints().catch(this.#options.onFailure)
  }

  #hearEntries({ runs, sequence, hash }: Extract<RoomMessage, { type: 'entries' }>): void {
    const { room } = this.#options
    const { head } = room
    const [first] = runs
    if (!first || sequence <= head.sequence) return
    const isNext =
      first.first === head.sequence + 1 &&
      first.epochIndex === head.record?.index &&
      sameHash(first.hashBefore, head.hash) &&
      isUnbroken(runs, sequence)
    if (isNext) room.hear(runs, { sequence, hash })
    else this.look()
  }

  #hearAwareness(node: string, message: AwarenessMessage): void {
    const { room, now } = this.#options
    const { session, epochIndex, envelope } = message
    const own = room.head.record?.index ?? -1
    this.#early.delete(session)
    // A member has adopted an epoch before this node has heard of it, and will not say so again soon.
    if (epochIndex > own) {
      this.#early.set(session, { node, heardAt: now(), message })
      this.look()
      return
    }
    this.#guests.set(session, { node, heardAt: now() })
    if (epochIndex === own) room.hearAwareness(session, envelope)
  }

  /** What was early is not any more; a look that had begun before that epoch was there leaves it for the next. */
  #hearEarly(): void {
    const own = this.#options.room.head.record?.index ?? -1
    for (const { node, message } of [...this.#early.values()]) {
      if (message.epochIndex <= own) this.#hearAwareness(node, message)
    }
  }

  #hearHere(node: string, sessions: readonly number[]): void {
    const there = new Set(sessions)
    for (const [session, early] of this.#early) {
      if (early.node === node && !there.has(session)) this.#early.delete(session)
    }
    for (const [session, guest] of this.#guests) {
      if (guest.node !== node) continue
      if (there.has(session)) guest.heardAt = this.#options.now()
      else this.#dropGuest(session)
    }
  }

  #dropGuest(session: number): void {
    this.#early.delete(session)
    this.#guests.delete(session)
    this.#options.room.hearLeft(session)
  }

  async #look(): Promise<void> {
    const { room, store, onRepair } = this.#options
    const head = await store.head(room.name)
    // What our own sessions have stored they must hear as their own, from the room: not as somebody's, from the store.
    await Promise.allSettled(room.commits)
    if (head.record && !sameHash(head.record.hash, room.head.record?.hash)) {
      const { after } = await store.records(room.name, room.head.record?.hash)
      const known = room.head.record?.index ?? -1
      const last = head.record.index
      const opened: OpenedEpoch[] = []
      for (const record of after.filter(({ index }) => index > known && index <= last)) {
        const [place] = (await store.places(room.name, record.hash)) ?? []
        opened.push({ ...record, ...(place?.sequence === record.after && { checkpoint: place }) })
      }
      room.learn(head, opened)
      onRepair()
    } else if (head.sequence > room.head.sequence) {
      room.learn(head)
      onRepair()
    } else if (!head.record && (await store.isDeleted(room.name))) {
      room.delete()
    }
  }

  async #lookAtCheckpoints(): Promise<void> {
    const { room, store } = this.#options
    const { newest, base } = await store.standing(room.name)
    const epochIndex = room.head.record?.index
    if (newest && epochIndex !== undefined) {
      room.hearCompacted({ place: newest, epochIndex }, sameHash(newest.checkpoint, base?.checkpoint))
    }
  }
}

/** Whether these runs follow each other and end at `sequence`. */
function isUnbroken(runs: readonly { first: number; count: number; epochIndex: number }[], sequence: number): boolean {
  let next = runs[0]?.first ?? 0
  for (const { first, count, epochIndex } of runs) {
    if (first !== next || epochIndex !== runs[0]?.epochIndex) return false
    next += count
  }
  return next === sequence + 1
}
