import type { Clock } from '../clock.ts'
import type { RelayLimits } from '../limits.ts'
import type { LogStore } from '../log/log-store.ts'
import { errorFields, type Log } from '../telemetry/log.ts'
import type { Turn } from '../transport/turn.ts'
import { DeletedError } from './deleted-error.ts'
import { createHeartbeat } from './heartbeat.ts'
import { type Outside, Room } from './room.ts'

export interface RoomsOptions {
  store: LogStore
  turn: Turn
  clock: Clock
  limits: RelayLimits
  log: Log
  /** Where several relays share the store. */
  outside?: Outside | undefined
}

interface UsedRoom {
  readonly room: Promise<Room>
  /** What keeps it: its sessions from before their join to after their leave, and its commits. */
  uses: number
}

/** The rooms that have a session or a commit under way. */
export class Rooms {
  readonly #options: RoomsOptions
  readonly #rooms = new Map<string, UsedRoom>()
  readonly #commits = new Set<Promise<unknown>>()

  constructor(options: RoomsOptions) {
    this.#options = options
  }

  /** Rooms, and uses of them: joins, from before they are answered, and commits that are under way. */
  get counts(): { rooms: number; sessions: number } {
    let sessions = 0
    for (const { uses } of this.#rooms.values()) sessions += uses
    return { rooms: this.#rooms.size, sessions }
  }

  /** The room of this name. Each `enter` needs its `leave`, also after a failure: a DeletedError, or the store's. */
  enter(name: string): Promise<Room> {
    let used = this.#rooms.get(name)
    if (!used) {
      used = this.#begin(name)
    }
    used.uses++
    return used.room
  }

  leave(name: string): void {
    const used = this.#rooms.get(name)
    if (!used || --used.uses > 0) return
    this.#rooms.delete(name)
    this.#options.outside?.leave(name)
  }

  /**
   * Waits for a write and has `tell` tell the room in the same step in which the author learns of it. The room is kept until then:
   * another one made meanwhile would start from a head that lacks it.
   */
  commit<Result>(room: Room, write: Promise<Result>, tell: (result: Result) => void): Promise<Result> {
    const used = this.#rooms.get(room.name)
    if (used) used.uses++
    const over = () => {
      this.#commits.delete(told)
      room.commits.delete(told)
      // Begun after everybody had left: who is there by now has come since.
      if (used) this.leave(room.name)
    }
    // One promise, not the three of `then` and `finally`: every append passes here.
    const told: Promise<Result> = write.then(
      (result) => {
        try {
          tell(result)
        } finally {
          over()
        }
        return result
      },
      (error: unknown) => {
        over()
        throw error
      },
    )
    this.#commits.add(told)
    room.commits.add(told)
    return told
  }

  /** Asks the members of this room to look at their key endpoint. Nothing to do where nobody is. */
  recheck(name: string): void {
    // A room that cannot be loaded has no members, and tells those who want to join.
    this.#rooms.get(name)?.room.then(
      (room) => room.recheck(),
      () => {},
    )
  }

  /** The rooms that are here, with those who are in them. */
  async present(): Promise<Room[]> {
    const loaded = await Promise.allSettled([...this.#rooms.values()].map(({ room }) => room))
    return loaded.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  }

  /** The document of this room was deleted, in the store: whoever is there has to go. */
  async delete(name: string): Promise<void> {
    // One that cannot be loaded has nobody in it.
    const room = await this.#rooms.get(name)?.room.catch(() => undefined)
    room?.delete()
  }

  /** Resolves when every commit that was under way has been told, and those that waited behind it in its session. */
  async settled(): Promise<void> {
    while (this.#commits.size > 0) {
      await Promise.allSettled(this.#commits)
      // By then the next ones have begun.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  #begin(name: string): UsedRoom {
    const { outside } = this.#options
    const used = { room: this.#load(name), uses: 0 }
    this.#rooms.set(name, used)
    used.room.then(
      (room) => {
        // Unless everybody has gone while it was loaded.
        if (outside && this.#rooms.get(name) === used) room.outside = outside.enter(room)
      },
      () => {},
    )
    return used
  }

  async #load(name: string): Promise<Room> {
    const { store, turn, clock, limits, log } = this.#options
    if (await store.isDeleted(name)) throw new DeletedError()
    const head = await store.head(name)
    return new Room(name, head, turn, (room) =>
      createHeartbeat({
        clock,
        readHead: () => store.head(name),
        onHead(stored) {
          if (!room.outside) room.learn(stored)
          else if (room.isBehind(stored)) room.outside.look()
          room.beat(stored)
        },
        onFailure: (error) => log.error('heartbeat failed', errorFields(error)),
        afterChangeMs: limits.heartbeatAfterChangeMs,
        everyMs: limits.heartbeatMs,
      }),
    )
  }
}
