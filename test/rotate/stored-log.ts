import { parseEpochRecord, recordHash } from '@y-sealed/envelope'
import { leafHash, nextHash, startHash } from '@y-sealed/protocol'
import { parseHeader } from '@y-sealed/protocol/header'
import { observe, type StoredEntry } from 'y-sealed/observe'
import { until } from '../support/events.ts'
import { Wire } from '../support/wire.ts'

/** What a relay has stored of a document, as anybody without a key gets it. */
export interface StoredLog {
  /** Every epoch record, each once, in the order in which the relay showed them. */
  readonly records: readonly Uint8Array[]
  readonly entries: readonly StoredEntry[]
}

export async function readStoredLog(relayUrl: string, room: string): Promise<StoredLog> {
  const records = new Map<string, Uint8Array>()
  const entries: StoredEntry[] = []
  const observer = observe(relayUrl, room, { WebSocketPolyfill: new Wire().WebSocket })
  observer.on('record', (record) => void records.set(Buffer.from(record).toString('hex'), record))
  observer.on('entry', (entry) => void entries.push(entry))
  await until(observer, 'caught-up')
  observer.close()
  return { records: [...records.values()], entries }
}

/**
 * What in a stored log contradicts one line of epochs in which nothing was taken that was sealed under another than the
 * epoch of its place, one sentence each; none is what we want. Reads only what is public: records, headers, hashes.
 */
export function contradictions({ records, entries }: StoredLog): string[] {
  const epochs = records.map((bytes) => ({ hash: recordHash(bytes), record: parseEpochRecord(bytes) }))
  const found: string[] = []
  entries.forEach(({ sequence }, i) => {
    if (sequence !== i + 1) found.push(`entry ${sequence} stands where ${i + 1} should`)
  })
  epochs.forEach(({ hash, record }, i) => {
    const next = epochs[i + 1]?.record
    const own = entries.slice(record.prevSequence, next?.prevSequence)
    for (const { sequence, envelope } of own) {
      const { epochIndex } = parseHeader(envelope)
      if (epochIndex !== record.index)
        found.push(`entry ${sequence} was sealed under epoch ${epochIndex} and taken in epoch ${record.index}`)
    }
    if (next === undefined) return
    if (next.index <= record.index) found.push(`epoch ${next.index} comes after epoch ${record.index}`)
    if (!areSame(next.prevRecord, hash)) found.push(`epoch ${next.index} does not follow epoch ${record.index}`)
    const end = own.reduce((h, { envelope }) => nextHash(h, leafHash(NO_PROOF, envelope)), startHash(hash))
    if (!areSame(next.prevHash, end)) found.push(`epoch ${next.index} follows another log than the stored one`)
  })
  return found
}

/** Version 1 writes none. */
const NO_PROOF = new Uint8Array(0)

function areSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
