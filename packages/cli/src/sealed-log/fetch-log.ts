import type { Down, Joined, Place } from '@y-sealed/protocol'
import type { WebSocketConstructor } from 'y-sealed'
import { recordHash } from 'y-sealed/observe'
import { parseRecord } from './record.ts'
import { type RoomAddress, RoomReader } from './room-reader.ts'

/** Entries asked for at a time, so that what is written to a file keeps step with what comes. */
const PAGE_ENTRIES = 2_048

export interface FetchOptions {
  /** All that is kept, of all epochs; else what opening the document as it is now takes. */
  readonly all: boolean
}

/** Takes the messages of a log in their order; the next ones wait for it. */
export type LogSink = (message: Down) => void | Promise<void>

/**
 * Reads a room's sealed log: first its records and `joined`, then the checkpoints with where they stand, then entries. Nothing of it can be read without keys, and
 * nothing is changed at the relay. In each message `request` is what it belongs to: for `checkpoints` the number of the record, from 1.
 *
 * Throws Failure.
 */
export async function fetchLog(
  address: RoomAddress,
  WebSocketPolyfill: WebSocketConstructor,
  { all }: FetchOptions,
  sink: LogSink,
): Promise<void> {
  const reader = new RoomReader(address, WebSocketPolyfill)
  try {
    const { joined, records, said } = await reader.state()
    for (const message of said) await sink(message)
    const places = all ? await placesOfAll(reader, records, sink) : newestOf(joined)
    for (const { checkpoint } of places) await fetchCheckpoint(reader, checkpoint, sink)
    // No page goes beyond an epoch, or a checkpoint: where a reader may begin, a run of entries does.
    const stops = [...records.map((record) => parseRecord(record).prevSequence), ...places.map((p) => p.sequence)]
    let after = all ? joined.pruned : startOf(joined, records)
    while (after < joined.sequence) {
      const to = Math.min(after + PAGE_ENTRIES, joined.sequence, ...stops.filter((stop) => stop > after))
      const taken: Down[] = []
      await reader.entries(after, to, (entries) => void taken.push(entries))
      for (const message of taken) await sink(message)
      after = to
    }
  } finally {
    reader.close()
  }
}

/** Where a reader begins: at the newest checkpoint that is vouched for, which the newest of all may turn out not to be. */
export function startOf({ base }: Joined, records: readonly Uint8Array[]): number {
  const head = records.at(-1)
  return base?.sequence ?? (head === undefined ? 0 : parseRecord(head).prevSequence)
}

function newestOf({ newest, base }: Joined): Place[] {
  const both = [newest, base].filter((place) => place !== undefined)
  return both.filter(({ checkpoint }, at) => !both.slice(0, at).some((before) => same(before.checkpoint, checkpoint)))
}

async function placesOfAll(reader: RoomReader, records: readonly Uint8Array[], sink: LogSink): Promise<Place[]> {
  const all: Place[] = []
  for (const [at, record] of records.entries()) {
    const places = await reader.places(recordHash(record))
    await sink({ type: 'checkpoints', channel: 1, request: at + 1, places: [...places] })
    all.push(...places)
  }
  return all
}

async function fetchCheckpoint(reader: RoomReader, checkpoint: Uint8Array, sink: LogSink): Promise<void> {
  const taken: Down[] = []
  await reader.checkpoint(checkpoint, (answer) => void taken.push(answer))
  for (const message of taken) await sink(message)
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
