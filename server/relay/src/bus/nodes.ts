import { randomUUID } from 'node:crypto'
import type { ShutOut } from '../auth/shut-out.ts'
import type { Clock } from '../clock.ts'
import type { RelayLimits } from '../limits.ts'
import type { SharedLogStore } from '../log/postgres-log-store.ts'
import { hexOf, roomKey } from '../log/room-key.ts'
import type { Outside, OutsideRoom, Room } from '../room/room.ts'
import type { BusMetrics } from '../telemetry/bus-metrics.ts'
import { errorFields, type Log } from '../telemetry/log.ts'
import type { Bus } from './bus.ts'
import { encodeBusMessage, type NodeMessage, parseBusMessage, type RoomMessage } from './bus-message.ts'
import { RoomElsewhere } from './room-elsewhere.ts'

export interface NodesOptions {
  store: SharedLogStore
  /** undefined: other nodes are noticed by what they store, and by nothing else. */
  bus: Bus | undefined
  clock: Clock
  limits: Pick<RelayLimits, 'pollMs' | 'nodeAliveMs' | 'nodeLostMs'>
  shutOut: ShutOut
  log: Log
  metrics: BusMetrics
  /** Those whose access does not count any more have to go. */
  onShutOut(): void
}

// Nodes write down when they were told by their own clocks.
const CLOCKS_APART_MS = 10 * 60_000

/**
 * The other relays of this store, as this one knows them: what they say of the rooms that are here, whether they live, and, by one query
 * every second, what they have stored without being heard. A bus that is away costs that second, and awareness of other nodes.
 */
export class Nodes implements Outside {
  readonly #options: NodesOptions
  readonly #id = randomUUID()
  readonly #rooms = new Map<string, RoomElsewhere>()
  /** When each node was last heard. */
  readonly #heardAt = new Map<string, number>()
  readonly #timers = new Map<() => void, unknown>()
  #polling: Promise<void> | undefined
  #shutOutsSince = 0
  #reconnectedAt: number | undefined
  #isClosed = false

  constructor(options: NodesOptions) {
    this.#options = options
  }

  start(): void {
    const { bus, limits } = this.#options
    this.#every(limits.pollMs, () => {
      // A database that takes longer gets no second question.
      this.#polling ??= this.#poll()
        .catch((error: unknown) => this.#tell('poll failed', error))
        .finally(() => {
          this.#polling = undefined
        })
    })
    if (!bus) return
    void bus.subscribe(this.#channel('nodes'), (bytes) => this.#hear(bytes, undefined))
    this.#every(limits.nodeAliveMs, () => {
      this.#sayToAll({ type: 'alive' })
      this.#dropLostNodes()
    })
  }

  enter(room: Room): OutsideRoom {
    const { store, bus, clock, metrics } = this.#options
    const channel = this.#channelOf(room.name)
    const say = (message: RoomMessage) => this.#say(channel, message)
    const elsewhere = new RoomElsewhere({
      ...{ room, store, say },
      now: () => clock.now(),
      onFailure: (error) => this.#tell('look failed', error),
      onRepair: () => metrics.repaired(),
    })
    this.#rooms.set(room.name, elsewhere)
    // Asked when the answers can be heard.
    void bus?.subscribe(channel, (bytes) => this.#hear(bytes, elsewhere)).then(() => say({ type: 'who' }))
    return elsewhere
  }

  leave(name: string): void {
    if (this.#rooms.delete(name)) this.#options.bus?.unsubscribe(this.#channelOf(name))
  }

  /** Whoever is in this room elsewhere has to look at the key endpoint, or at the store. */
  sayOf(name: string, message: Extract<RoomMessage, { type: 'recheck' | 'look' }>): void {
    this.#say(this.#channelOf(name), message)
  }

  /** An operator has closed somebody's sessions here: everywhere else, too, and for as long. */
  async shutOut(who: Uint8Array, since: number): Promise<void> {
    await this.#options.store.shutOut(who, since)
    this.#sayToAll({ type: 'shut-out' })
  }

  /** The bus is there again: all say who is here, and those of whom nobody says anything are gone. */
  reconnected(): void {
    this.#reconnectedAt = this.#options.clock.now()
    for (const [name, room] of this.#rooms) {
      this.#say(this.#channelOf(name), { type: 'who' })
      room.tell()
    }
    this.#sayToAll({ type: 'alive' })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const timer of this.#timers.values()) this.#options.clock.clearTimeout(timer)
    await this.#polling
  }

  async #poll(): Promise<void> {
    const { store } = this.#options
    await this.#readShutOuts()
    const names = [...this.#rooms.keys()]
    if (names.length === 0) return
    for (const [name, { head, isDeleted, checkpoints }] of await store.news(names)) {
      const room = this.#rooms.get(name)
      if (!room) continue
      if (isDeleted || room.isBehind(head)) room.look()
      room.countsCheckpoints(checkpoints)
    }
  }

  async #readShutOuts(): Promise<void> {
    const { store, shutOut, onShutOut } = this.#options
    let isNews = false
    for (const { who, since } of await store.shutOutsSince(this.#shutOutsSince - CLOCKS_APART_MS)) {
      isNews = shutOut.addHash(who, since) || isNews
      this.#shutOutsSince = Math.max(this.#shutOutsSince, since)
    }
    if (isNews) onShutOut()
  }

  #hear(bytes: Uint8Array, room: RoomElsewhere | undefined): void {
    const { clock, metrics } = this.#options
    try {
      const { node, message } = parseBusMessage(bytes)
      if (node === this.#id || this.#isClosed) return
      metrics.heard()
      this.#heardAt.set(node, clock.now())
      if ('to' in message && message.to !== undefined && message.to !== this.#id) return
      if (room) room.hear(node, message)
      else if (message.type === 'shut-out')
        this.#readShutOuts().catch((error: unknown) => this.#tell('poll failed', error))
    } catch (error) {
      // Not from a node of ours; what a node has stored is found all the same.
      this.#tell('bus message refused', error)
    }
  }

  #dropLostNodes(): void {
    const { bus, clock, limits } = this.#options
    // Nobody can be heard: that says nothing about anybody.
    if (!bus?.isConnected) {
      this.#heardAt.clear()
      return
    }
    const now = clock.now()
    const lost = new Set<string>()
    for (const [node, at] of this.#heardAt) if (now - at > limits.nodeLostMs) lost.add(node)
    for (const node of lost) this.#heardAt.delete(node)
    const back = this.#reconnectedAt
    const isDecided = back !== undefined && now - back > limits.nodeLostMs
    if (isDecided) this.#reconnectedAt = undefined
    if (lost.size === 0 && !isDecided) return
    for (const room of this.#rooms.values()) {
      room.dropGuests(({ node, heardAt }) => lost.has(node) || (isDecided && heardAt < back))
    }
  }

  #say(channel: string, message: RoomMessage | NodeMessage): void {
    const { bus, metrics } = this.#options
    if (!bus) return
    metrics.said()
    bus.publish(channel, encodeBusMessage(this.#id, message))
  }

  #sayToAll(message: NodeMessage): void {
    this.#say(this.#channel('nodes'), message)
  }

  #channel(name: string): string {
    return `y-sealed:${this.#options.store.id}:${name}`
  }

  /** Not by its name, which is nobody's business who can look into the bus. */
  #channelOf(name: string): string {
    return this.#channel(hexOf(roomKey(name)))
  }

  #every(ms: number, task: () => void): void {
    const { clock } = this.#options
    const schedule = () => {
      if (this.#isClosed) return
      const timer = clock.setTimeout(() => {
        task()
        schedule()
      }, ms)
      this.#timers.set(task, timer)
    }
    schedule()
  }

  #tell(event: string, error: unknown): void {
    if (!this.#isClosed) this.#options.log.error(event, errorFields(error))
  }
}
