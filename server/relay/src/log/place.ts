import type { Place } from '@y-sealed/protocol'
import type { Standing } from './log-store.ts'

/** What members and the wire know of a checkpoint. */
export function placeOf({ checkpoint, sequence, hash, bytes }: Place): Place {
  return { checkpoint, sequence, hash, bytes }
}

export function standingOf(pruned: number, newest: Place | undefined, base: Place | undefined): Standing {
  return { pruned, ...(newest && { newest: placeOf(newest) }), ...(base && { base: placeOf(base) }) }
}
