import type { ChainedEpoch } from '../../packages/provider/src/epoch/chained-epoch.ts'
import type { RotationState } from '../../packages/provider/src/rotation/rotation-state.ts'
import type { EpochFacts, Place, RecordId } from './world.ts'

/**
 * Hashes, as the project's functions want them: bytes that are equal exactly where the thing is. In the search a record and a place of a log are small
 * numbers: a log only grows within one generation, so that record, count and generation name every H that there can be.
 */

/** A record of an index that was stored in a generation. Two that were sealed for one index are never both stored in it. */
export const recordId = (index: number, generation: number): RecordId => index * 2 + generation

/** H behind `count` entries of a record's log, the last of which was stored in a generation. */
export const placeAt = (record: RecordId, count: number, generation: number): Place =>
  (record * 32 + count) * 2 + (count === 0 ? 0 : generation)

const bytes: Uint8Array[] = []

/** The name as bytes. -1, none: zeros. */
export function hashOf(name: RecordId | Place): Uint8Array {
  const known = bytes[name + 1]
  if (known !== undefined) return known
  const made = Uint8Array.of(1 + ((name + 1) >> 8), (name + 1) & 255)
  bytes[name + 1] = name < 0 ? new Uint8Array(2) : made
  return hashOf(name)
}

const chained = new Map<string, ChainedEpoch>()

/** A record as its readers have it. */
export function chainedEpoch(facts: EpochFacts): ChainedEpoch {
  const { id, index, hint, previous, prevSequence, prevHash } = facts
  const key = [id, index, hint, previous, prevSequence, prevHash].join()
  const known = chained.get(key)
  if (known !== undefined) return known
  const none = new Uint8Array(0)
  const epoch: ChainedEpoch = {
    record: none,
    hash: hashOf(id),
    parsed: {
      version: 1,
      suite: 1,
      stretch: 0,
      index,
      endpointEpoch: hint,
      keyHint: `key ${hint}`,
      nonce: none,
      ext: none,
      epochId: none,
      prevRecord: hashOf(previous),
      prevSequence,
      prevHash: hashOf(prevHash),
      prevCheckpoint: none,
      checkpoint: none,
      linkTag: none,
      selfTag: none,
    },
  }
  chained.set(key, epoch)
  return epoch
}

const states: RotationState[] = []
const stateNames = new Map<string, number>()

/** A rotation's state as a number, the same for equal states. */
export function nameOfState(state: RotationState): number {
  const { at, tries, pauses, sequence } = { tries: 0, pauses: 0, sequence: 0, ...state }
  const key = [at, tries, pauses, sequence].join()
  const known = stateNames.get(key)
  if (known !== undefined) return known
  stateNames.set(key, states.length)
  return states.push(state) - 1
}

export function stateNamed(name: number): RotationState {
  const state = states[name]
  if (state === undefined) throw new RangeError(`no rotation state ${name}`)
  return state
}
