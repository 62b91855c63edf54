import { encodeEntries, encodeFrame, hashPrefix, type Place, startHash } from '@y-sealed/protocol'
import type { EpochRecord, LogHead, StoredRun } from '../log/log-store.ts'

const NO_HASH = new Uint8Array(0)

/** What frames carry of a log's H: 8 bytes, or none where there is no epoch yet. */
export function headHash(head: LogHead): Uint8Array {
  return head.record ? hashPrefix(head.hash) : NO_HASH
}

/** One `entries` message of consecutive runs of one epoch: their bytes go out as they are stored. */
export function entriesFrame(channel: number, runs: readonly StoredRun[]): Uint8Array {
  const [before] = runs
  if (!before) throw new RangeError('an entries message without entries')
  const entries = runs.map(({ count, body }) => ({ count, bytes: body }))
  const hashBefore = hashPrefix(before.hashBefore)
  return encodeEntries({ type: 'entries', channel, first: before.first, hashBefore, entries })
}

export function recordFrame(channel: number, { bytes, hash, after }: EpochRecord): Uint8Array {
  return encodeFrame([{ type: 'record', channel, record: bytes, sequence: after, hash: hashPrefix(startHash(hash)) }])
}

/** Of a checkpoint that is somebody else's, or counts as named. */
export function compactedFrame(channel: number, place: Place, named: boolean): Uint8Array {
  return encodeFrame([{ type: 'compacted', channel, request: 0, place, named }])
}

export function caughtUpFrame(channel: number, request: number, head: LogHead): Uint8Array {
  return encodeFrame([{ type: 'caught-up', channel, request, sequence: head.sequence, hash: headHash(head) }])
}

export function heartbeatFrame(channel: number, head: LogHead): Uint8Array {
  return encodeFrame([{ type: 'heartbeat', channel, sequence: head.sequence, hash: headHash(head) }])
}

export function recheckFrame(channel: number): Uint8Array {
  return encodeFrame([{ type: 'recheck', channel }])
}

export function awarenessFrame(channel: number, session: number, envelope: Uint8Array): Uint8Array {
  return encodeFrame([{ type: 'awareness', channel, session, envelope }])
}

export function leftFrame(channel: number, session: number): Uint8Array {
  return encodeFrame([{ type: 'left', channel, session }])
}
