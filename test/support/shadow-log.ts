import { recordHash } from '@y-sealed/envelope'
import { type Down, type Entry, hashPrefix, leafHash, nextHash, startHash, type Up } from '@y-sealed/protocol'
import type { Wire, WiredSocket } from './wire.ts'

/** What a dishonest relay shows in place of an envelope: itself, something else, several, or none. */
export type Show = (envelope: Uint8Array, sequence: number) => readonly Uint8Array[]

/**
 * A relay that shows one person another log than it stores, and does it well: sequences stay dense, re-reads bring the
 * same again, and every H it names fits what it shows, so that only the envelopes themselves can give it away.
 * Begin before the person connects; good for one connection.
 */
export function showAnotherLog(wire: Wire, show: Show): void {
  const shadow = new ShadowLog(show)
  wire.rewrite('up', (messages, socket) => {
    const honest = (messages as Up[]).filter((message) => !shadow.answers(message, socket))
    return honest.length === messages.length ? messages : honest
  })
  wire.rewrite('down', (messages) => (messages as Down[]).flatMap((message) => shadow.retell(message)))
}

class ShadowLog {
  private readonly show: Show
  private readonly shown: Entry[] = []
  /** H after so many entries; the first is the start of the epoch. */
  private hashes: Uint8Array[] = []
  /** How much of the real log has been retold. */
  private retold = 0
  private readonly appended = new Map<number, readonly Entry[]>()

  constructor(show: Show) {
    this.show = show
  }

  /** A re-read is answered from what was shown, not by the relay. */
  answers(message: Up, socket: WiredSocket): boolean {
    if (message.type === 'append') this.appended.set(message.request, message.envelopes)
    if (message.type !== 'read') return false
    const { channel, request, after } = message
    const entries = this.shown.slice(after)
    const hashBefore = hashPrefix(this.hashes[after] as Uint8Array)
    const again: Down[] =
      entries.length === 0 ? [] : [{ type: 'entries', channel, first: after + 1, hashBefore, entries }]
    socket.deliver([...again, { type: 'caught-up', channel, request, ...this.head() }])
    return true
  }

  retell(message: Down): Down[] {
    switch (message.type) {
      case 'joined':
        if (message.records[0] !== undefined) this.begin(message.records[0])
        // How much will be shown is not known yet: it does not promise too much.
        return [{ ...message, sequence: 0 }]
      case 'opened':
        this.begin(message.record)
        return [message]
      case 'entries':
        return this.retellEntries(message)
      case 'ack':
        this.add(this.appended.get(message.request) ?? [])
        this.retold = message.sequence
        return [{ ...message, ...this.head() }]
      case 'caught-up':
      case 'heartbeat':
        return [{ ...message, ...this.head() }]
      default:
        return [message]
    }
  }

  private retellEntries(message: Extract<Down, { type: 'entries' }>): Down[] {
    const first = this.shown.length + 1
    const { hash: hashBefore } = this.head()
    const entries = message.entries.flatMap((entry, i) => {
      const sequence = message.first + i
      return sequence <= this.retold
        ? []
        : this.show(entry.envelope, sequence).map((envelope) => ({ ...entry, envelope }))
    })
    this.retold = Math.max(this.retold, message.first + message.entries.length - 1)
    this.add(entries)
    return entries.length === 0 ? [] : [{ ...message, first, hashBefore, entries }]
  }

  private begin(record: Uint8Array): void {
    if (this.hashes.length === 0) this.hashes = [startHash(recordHash(record))]
  }

  private add(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.shown.push(entry)
      this.hashes.push(nextHash(this.hashes.at(-1) as Uint8Array, leafHash(entry.proof, entry.envelope)))
    }
  }

  private head(): { sequence: number; hash: Uint8Array } {
    return { sequence: this.shown.length, hash: hashPrefix(this.hashes.at(-1) as Uint8Array) }
  }
}
