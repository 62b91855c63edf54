import { hash32, list, sequence, struct, uint } from '../codec/field.ts'
import { MAX_APPEND_BYTES, MAX_PLACES } from '../limits.ts'

/** A checkpoint and where it stands in the log. */
export interface Place {
  /** Names it (checkpoint-hash.ts), 32 bytes. */
  readonly checkpoint: Uint8Array
  /** The last sequence that it covers; for the one with which an epoch began, the last before that epoch. */
  readonly sequence: number
  /** H there, whole (32 bytes); for the one with which an epoch began, H at that epoch's start. */
  readonly hash: Uint8Array
  /** Sealed bytes of all its chunks: what a client has to load. */
  readonly bytes: number
}

export const place = struct<Place>({
  checkpoint: hash32,
  sequence,
  hash: hash32,
  bytes: uint(1, MAX_APPEND_BYTES),
})

/** Places of one message, by sequence ascending. */
export const placeList = list(place, 0, MAX_PLACES)

/** What is wrong with the order of places; no two checkpoints of an epoch cover the same sequences. */
export function faultOfOrder(places: readonly Place[]): string | undefined {
  const fallen = places.findIndex(({ sequence }, at) => at > 0 && sequence <= (places[at - 1]?.sequence ?? 0))
  return fallen < 0 ? undefined : `expected sequences to rise, place ${fallen} does not`
}
