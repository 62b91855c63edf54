import * as encoding from 'lib0/encoding'
import type { IdRun, ScannedUpdate } from '../guard/scan-update.ts'
import { IdRanges } from './id-ranges.ts'

/** The same update with these deletes in place of its own: a V1 update is a struct section followed by a delete set. */
export function withDeletes(
  update: Uint8Array,
  { structsEnd }: Pick<ScannedUpdate, 'structsEnd'>,
  deletes: readonly IdRun[],
): Uint8Array {
  return concat(update.subarray(0, structsEnd), encodeDeleteSet(deletes))
}

/** Those ids of `runs` that are not among `others`. */
export function runsWithout(runs: readonly IdRun[], others: readonly IdRun[]): IdRun[] {
  const gone = IdRanges.of(others)
  return runs.flatMap(({ client, clock, length }) =>
    gone.missing(client, clock, length).map(([start, count]) => ({ client, clock: start, length: count })),
  )
}

/** An update that only deletes. */
export function encodeDeletes(deletes: readonly IdRun[]): Uint8Array {
  return concat(Uint8Array.of(0), encodeDeleteSet(deletes))
}

function encodeDeleteSet(deletes: readonly IdRun[]): Uint8Array {
  const byClient = new Map<number, IdRun[]>()
  for (const run of deletes) {
    const runs = byClient.get(run.client)
    if (runs === undefined) byClient.set(run.client, [run])
    else runs.push(run)
  }
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, byClient.size)
  for (const [client, runs] of byClient) {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, runs.length)
    for (const { clock, length } of runs) {
      encoding.writeVarUint(encoder, clock)
      encoding.writeVarUint(encoder, length)
    }
  }
  return encoding.toUint8Array(encoder)
}

function concat(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const out = new Uint8Array(head.length + tail.length)
  out.set(head)
  out.set(tail, head.length)
  return out
}
