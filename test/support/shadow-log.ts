import { recordHash } from '@y-sealed/envelope'
import { type Down, type Entry, hashPrefix, leafHash, nextHash, startHash, type Up } from '@y-sealed/protocol'
import type { Wire } from './wire.ts'

/** What a dishonest relay shows in place of an entry: nothing, itself, something else, or several. */
export type Show = (envelope: Uint8Array, sequence: number) => readonly Uint8Array[]

/**
 * A relay that shows one person another log than it stores, and does it well: sequences stay dense and every H it names
 * fits what it shows, so that only the envelopes themselves can give it away. Begin before the person joins.
 */
export function showAnotherLog(wire: Wire, show: Show): void {
  let hash = new Uint8Array(32)
  let shown = 0
  let stored = 0
  const appended = new Map<number, readonly Entry[]>()

  const add = (entries: readonly Entry[]): void => {
    for (const { proof, envelope } of entries) {
      hash = nextHash(hash, leafHash(proof, envelope)) as Uint8Array<ArrayBuffer>
      shown++
    }
  }
  const begin = (record: Uint8Array): void => {
    hash = startHash(recordHash(record)) as Uint8Array<ArrayBuffer>
  }

  const retell = (message: Down): Down[] => {
    switch (message.type) {
      case 'joined':
        if (message.records[0] !== undefined && shown === 0) begin(message.records[0])
        return [message]
      case 'opened':
        begin(message.record)
        return [message]
      case 'entries': {
        const first = shown + 1
        const hashBefore = hashPrefix(hash)
        const entries = message.entries.flatMap((entry, i) =>
          message.first + i <= stored ? [] : show(entry.envelope, message.first + i).map((envelope) => ({ ...entry, envelope })),
        )
        stored = Math.max(stored, message.first + message.entries.length - 1)
        add(entries)
        return entries.length === 0 ? [] : [{ ...message, first, hashBefore, entries }]
      }
      case 'ack':
        add(appended.get(message.request) ?? [])
        stored = message.sequence
        return [{ ...message, sequence: shown, hash: hashPrefix(hash) }]
      case 'caught-up':
      case 'heartbeat':
        return [{ ...message, sequence: shown, hash: hashPrefix(hash) }]
      default:
        return [message]
    }
  }

  wire.rewrite('up', (messages) => {
    for (const message of messages as Up[]) {
      if (message.type === 'append') appended.set(message.request, message.envelopes)
    }
    return messages
  })
  wire.rewrite('down', (messages) => (messages as Down[]).flatMap(retell))
}
