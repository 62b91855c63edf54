import type { Place } from '@y-sealed/protocol'

/** What members and the wire know of a checkpoint. */
export function placeOf({ checkpoint, sequence, hash, bytes }: Place): Place {
  return { checkpoint, sequence, hash, bytes }
}
