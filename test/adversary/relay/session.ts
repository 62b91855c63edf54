import {
  type Compact,
  type Down,
  type Entry,
  type Fetch,
  hashPrefix,
  type Join,
  MAX_FRAME_ENVELOPE_BYTES,
  type Open,
  type RefusalCode,
  type Up,
} from '@y-sealed/protocol'
import { EnvelopeKind, parseHeader, recordPrefix } from '@y-sealed/protocol/header'
import type { EpochLog, History } from './history.ts'
import type { Room } from './room.ts'

const NO_HASH = new Uint8Array(0)
const LEASE_MS = 60_000
/** Of one message; the protocol bounds items too, and every entry is one. */
const MAX_ENTRIES = 16_000

/** One join of one room, answered as an honest relay would from whatever history this member is shown. */
export class Session {
  readonly number: number
  readonly channel: number
  /** Who it says it is: its token. */
  readonly member: string
  readonly room: Room
  readonly isObserver: boolean
  history: History
  awareness: Uint8Array | undefined
  readonly #say: (messages: readonly Down[]) => void
  /** Delivered through here, in the epoch at this place of the history. */
  #told = 0
  #epoch = -1
  readonly #staged = new Map<number, Entry[]>()

  constructor(room: Room, join: Join, number: number, say: (messages: readonly Down[]) => void) {
    this.room = room
    this.channel = join.channel
    this.member = join.token
    this.isObserver = join.observe
    this.number = number
    this.history = room.historyOf(join.token)
    this.#say = say
    this.#join(join)
  }

  /** Speaks to this member: the truth, or anything else. Subject to the script. */
  say(...messages: readonly Down[]): void {
    this.#say(messages)
  }

  receive(message: Up): void {
    const { channel } = this
    switch (message.type) {
      case 'read':
        this.#read(message.request, message.after, message.to)
        break
      case 'stage':
        this.#stagedOf(message.request).push(...message.envelopes)
        this.say({ type: 'staged', channel, request: message.request })
        break
      case 'append':
        this.#append(message.request, [...this.#take(message.request), ...message.envelopes])
        break
      case 'open':
        this.#open(message)
        break
      case 'awareness':
        this.awareness = message.envelope
        for (const other of this.room.others(this))
          other.say({ type: 'awareness', channel: other.channel, session: this.number, envelope: message.envelope })
        break
      case 'lease':
        if (Buffer.compare(message.head, this.history.head?.recordHash ?? NO_HASH) !== 0)
          this.#refuse(message.request, 'stale-epoch')
        else if (!this.room.lease(this)) this.#refuse(message.request, 'busy')
        else this.say({ type: 'leased', channel, request: message.request, leaseMs: LEASE_MS })
        break
      case 'release':
        this.room.release(this)
        this.say({ type: 'released', channel, request: message.request })
        break
      case 'pause': {
        const { sequence, hash = new Uint8Array(32) } = this.history
        this.say({ type: 'paused', channel, request: message.request, sequence, hash })
        break
      }
      case 'fetch':
        this.#fetch(message)
        break
      case 'compact':
        this.#compact(message)
        break
      case 'checkpoints': {
        const epoch = this.history.epochs.find(({ recordHash }) => Buffer.compare(recordHash, message.record) === 0)
        const places = (epoch?.checkpoints ?? []).map(({ place }) => place)
        this.say({ type: 'checkpoints', channel, request: message.request, places })
        break
      }
    }
  }

  /** Everything after what was told. */
  deliver(): void {
    for (const [index, epoch] of this.history.epochs.entries()) {
      if (index < this.#epoch) continue
      if (index > this.#epoch) this.#enter(index, epoch)
      this.#sendEntries(epoch, this.#told, epoch.last)
      this.#told = Math.max(this.#told, epoch.last)
    }
  }

  #enter(index: number, epoch: EpochLog): void {
    const { channel } = this
    this.#epoch = index
    const [hash] = epoch.hashes as [Uint8Array]
    this.say({ type: 'record', channel, record: epoch.record, sequence: epoch.after, hash: hashPrefix(hash) })
    const [first] = epoch.checkpoints
    if (first !== undefined && !this.isObserver)
      this.say({ type: 'compacted', channel, request: 0, place: first.place, named: true })
  }

  #sendEntries(epoch: EpochLog, after: number, to: number): void {
    let first = Math.max(after, epoch.after) + 1
    while (first <= to) {
      const entries: Entry[] = []
      for (let bytes = 0; first + entries.length <= to && entries.length < MAX_ENTRIES; ) {
        const entry = epoch.entries[first + entries.length - epoch.after - 1] as Entry
        bytes += entry.envelope.length
        if (bytes > MAX_FRAME_ENVELOPE_BYTES) break
        entries.push(entry)
      }
      const hashBefore = hashPrefix(epoch.hashAt(first - 1))
      this.say({ type: 'entries', channel: this.channel, first, hashBefore, entries })
      first += entries.length
    }
  }

  #join({ head, cursor, hash, observe }: Join): void {
    const { history, channel } = this
    const held = head && history.epochs.findIndex(({ recordHash }) => Buffer.compare(recordHash, head) === 0)
    const isHeld = held !== undefined && held >= 0
    const epoch = isHeld ? history.epochs[held] : undefined
    const isInside = epoch !== undefined && cursor >= epoch.after && cursor <= epoch.last
    const newest = history.head?.checkpoints.at(-1)?.place
    this.say({
      type: 'joined',
      channel,
      session: this.number,
      role: 'write',
      sequence: history.sequence,
      hash: history.hash === undefined ? NO_HASH : hashPrefix(history.hash),
      confirmed: head === undefined ? true : isInside && Buffer.compare(hashPrefix(epoch.hashAt(cursor)), hash) === 0,
      pruned: 0,
      ...(newest && { newest, base: newest }),
      records: history.epochs.slice(isHeld ? held + 1 : 0).map(({ record }) => record),
    })
    if (isHeld || observe) {
      this.#epoch = isHeld ? held : 0
      this.#told = Math.min(cursor, history.sequence)
    } else {
      this.#epoch = history.epochs.length - 1
      this.#told = Math.max(newest?.sequence ?? 0, history.head?.after ?? 0, Math.min(cursor, history.sequence))
    }
    this.deliver()
    this.#caughtUp(0)
    for (const { number: session, awareness: envelope } of this.room.others(this))
      if (envelope !== undefined) this.say({ type: 'awareness', channel, session, envelope })
  }

  #read(request: number, after: number, to: number): void {
    const { epochs, sequence } = this.history
    const end = to === 0 ? sequence : Math.min(to, sequence)
    for (const epoch of epochs) this.#sendEntries(epoch, after, Math.min(epoch.last, end))
    if (to === 0) this.#told = sequence
    const at = epochs.findLast((epoch) => epoch.after < end)
    this.#caughtUp(request, to === 0 ? undefined : { sequence: end, hash: at && hashPrefix(at.hashAt(end)) })
  }

  #caughtUp(request: number, end?: { sequence: number; hash: Uint8Array | undefined }): void {
    const { sequence, hash } = this.history
    const at = end ?? { sequence, hash: hash && hashPrefix(hash) }
    const { channel } = this
    this.say({ type: 'caught-up', channel, request, sequence: at.sequence, hash: at.hash ?? NO_HASH })
  }

  #append(request: number, entries: readonly Entry[]): void {
    const { history, channel } = this
    const { head } = history
    const index = head && recordPrefix(head.record).index
    if (head === undefined || entries.some(({ envelope }) => parseHeader(envelope).epochIndex !== index)) {
      this.#refuse(request, 'stale-epoch')
      return
    }
    head.add(entries)
    this.#told = history.sequence
    const { sequence, hash } = history
    this.say({ type: 'ack', channel, request, sequence, count: entries.length, hash: hashPrefix(hash as Uint8Array) })
    this.room.changed(history)
  }

  #open({ request, record, previous, checkpoint, envelopes }: Open): void {
    const { history, channel } = this
    const { head } = history
    if (Buffer.compare(head?.recordHash ?? NO_HASH, previous ?? NO_HASH) !== 0) {
      this.#refuse(request, 'stale-epoch')
      return
    }
    const brought = [...this.#take(request), ...envelopes]
    const isChunk = ({ envelope }: Entry) => parseHeader(envelope).kind === EnvelopeKind.checkpoint
    const epoch = history.open(record)
    if (checkpoint !== undefined)
      epoch.keep(
        brought.filter(isChunk).map(({ envelope }) => envelope),
        epoch.after,
      )
    epoch.add(brought.filter((entry) => !isChunk(entry)))
    this.room.release(this)
    this.#epoch = history.epochs.length - 1
    this.#told = history.sequence
    const { sequence, hash } = history
    this.say({ type: 'opened', channel, request, record, sequence, hash: hashPrefix(hash as Uint8Array) })
    this.room.changed(history)
  }

  #compact({ request, sequence, envelopes }: Compact): void {
    const chunks = [...this.#take(request), ...envelopes].map(({ envelope }) => envelope)
    const { head } = this.history
    if (head === undefined) return
    const place = head.keep(chunks, sequence)
    this.room.release(this)
    this.say({ type: 'compacted', channel: this.channel, request, place, named: true })
    for (const other of this.room.others(this))
      other.say({ type: 'compacted', channel: other.channel, request: 0, place, named: true })
  }

  #fetch({ request, checkpoint, first, last }: Fetch): void {
    const chunks = this.history.checkpoint(checkpoint)
    if (chunks === undefined) {
      this.#refuse(request, 'unknown')
      return
    }
    const total = chunks.length
    const end = last === 0 ? total : Math.min(last, total)
    for (let at = first; at <= end; at++) {
      const chunk = chunks[at - 1] as Uint8Array
      this.say({ type: 'checkpoint', channel: this.channel, request, first: at, total, chunks: [chunk] })
    }
  }

  #stagedOf(request: number): Entry[] {
    const staged = this.#staged.get(request) ?? []
    this.#staged.set(request, staged)
    return staged
  }

  #take(request: number): Entry[] {
    const staged = this.#stagedOf(request)
    this.#staged.delete(request)
    return staged
  }

  #refuse(request: number, code: RefusalCode): void {
    const { head } = this.history
    const shown = code === 'stale-epoch' && head !== undefined ? { record: head.record } : {}
    this.say({ type: 'refused', channel: this.channel, request, code, detail: '', ...shown })
  }
}
