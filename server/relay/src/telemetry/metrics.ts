import { closeReasons, type RefusalCode } from '@y-sealed/protocol'
import { BusMetrics } from './bus-metrics.ts'
import { Histogram } from './histogram.ts'
import { SECONDS_BUCKETS, StoreMetrics } from './store-metrics.ts'
import { type SocketBytes, Traffic } from './traffic.ts'

/** What is so at this moment. */
export interface Gauges {
  connections: number
  rooms: number
  sessions: number
  heldBytes: number
  /** Of the open connections. */
  socketBytes: SocketBytes
  /** Whether other relays can be heard; absent: there is no bus. */
  isBusUp?: boolean
}

const KNOWN_CLOSES: ReadonlySet<number> = new Set(Object.values(closeReasons).map(({ code }) => code))

const PREFIX = 'y_sealed_relay_'

/** Counters of this process as Prometheus reads them. No label has more values than the protocol has codes, and none names a room or a person. */
export class Metrics {
  readonly #refusals = new Map<string, number>()
  readonly #channelCloses = new Map<string, number>()
  readonly #connectionCloses = new Map<string, number>()
  readonly store = new StoreMetrics()
  readonly traffic = new Traffic()
  readonly bus = new BusMetrics()
  readonly #acks = new Histogram(SECONDS_BUCKETS)
  #appends = 0
  #entries = 0
  #bytes = 0

  refused(code: RefusalCode): void {
    add(this.#refusals, code)
  }

  channelClosed(code: number): void {
    add(this.#channelCloses, String(code))
  }

  /** Clients choose codes, too: those that are not the protocol's are one. */
  connectionClosed(code: number): void {
    add(this.#connectionCloses, KNOWN_CLOSES.has(code) ? String(code) : 'other')
  }

  /** `ms`: from the request's arrival to its ack. */
  appended(entries: number, bytes: number, ms: number): void {
    this.#appends++
    this.#entries += entries
    this.#bytes += bytes
    this.#acks.add(ms)
  }

  /** In Prometheus' text format, version 0.0.4. */
  text({ connections, rooms, sessions, heldBytes, socketBytes, isBusUp }: Gauges): string {
    return [
      ...plain('connections', 'gauge', 'Open WebSockets', connections),
      ...plain('rooms', 'gauge', 'Documents that somebody has joined', rooms),
      ...plain('sessions', 'gauge', 'Joins of documents', sessions),
      ...plain('held_bytes', 'gauge', 'Sealed bytes that are staged or wait for their commit', heldBytes),
      ...plain('appends_total', 'counter', 'Appends that are durable', this.#appends),
      ...plain('entries_total', 'counter', 'Entries in them', this.#entries),
      ...plain('append_bytes_total', 'counter', 'Sealed bytes in them', this.#bytes),
      ...labelled('refusals_total', 'Requests that were refused, by code', this.#refusals),
      ...labelled('channel_closes_total', 'Sessions that the relay has ended, by close code', this.#channelCloses),
      ...labelled('connection_closes_total', 'WebSockets that have ended, by close code', this.#connectionCloses),
      ...head('ack_seconds', 'histogram', 'From the arrival of an append to its ack'),
      ...this.#acks.lines(`${PREFIX}ack_seconds`),
      ...this.store.lines(PREFIX),
      ...this.traffic.lines(PREFIX, socketBytes),
      ...(isBusUp === undefined ? [] : this.bus.lines(PREFIX, isBusUp)),
      '',
    ].join('\n')
  }
}

function add(counts: Map<string, number>, label: string): void {
  counts.set(label, (counts.get(label) ?? 0) + 1)
}

function head(name: string, type: string, help: string): string[] {
  return [`# HELP ${PREFIX}${name} ${help}.`, `# TYPE ${PREFIX}${name} ${type}`]
}

function plain(name: string, type: 'gauge' | 'counter', help: string, value: number): string[] {
  return [...head(name, type, help), `${PREFIX}${name} ${value}`]
}

function labelled(name: string, help: string, counts: ReadonlyMap<string, number>): string[] {
  return [...head(name, 'counter', help), ...[...counts].map(([code, n]) => `${PREFIX}${name}{code="${code}"} ${n}`)]
}
