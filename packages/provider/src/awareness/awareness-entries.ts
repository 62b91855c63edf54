import * as decoding from 'lib0/decoding'
import { MAX_VALUE_DEPTH } from '../guard/guard-limits.ts'
import { jsonDepth } from '../guard/json-depth.ts'

/** A name, a colour, a caret: hundreds of bytes. What is more belongs into the document. */
export const MAX_STATE_BYTES = 8 * 1024
/** y-protocols counts every change of a state: a hundred a second for eight months. Beyond 2^53 a state could never be replaced. */
const MAX_AWARENESS_CLOCK = 2 ** 31

/** One state of an awareness update, without what it says. */
export interface AwarenessEntry {
  readonly client: number
  readonly clock: number
  /** The client has left. */
  readonly isGone: boolean
}

/** Reads an encoded awareness update. Throws RangeError or TypeError for anything that is not one, or holds more than a state may. */
export function parseAwarenessEntries(update: Uint8Array): AwarenessEntry[] {
  const decoder = decoding.createDecoder(update)
  const count = decoding.readVarUint(decoder)
  // Each entry takes at least three bytes: a count beyond that is a lie, told to make us allocate.
  if (count * 3 > update.length) throw new RangeError('more awareness entries than bytes')
  const entries: AwarenessEntry[] = []
  const clients = new Set<number>()
  for (let i = 0; i < count; i++) {
    const client = decoding.readVarUint(decoder)
    if (clients.has(client)) throw new RangeError('two states of one client')
    clients.add(client)
    const clock = decoding.readVarUint(decoder)
    if (clock > MAX_AWARENESS_CLOCK) throw new RangeError('a clock that nobody has reached')
    entries.push({ client, clock, isGone: readState(decoder) === null })
  }
  if (decoding.hasContent(decoder)) throw new RangeError('bytes after the last awareness entry')
  return entries
}

function readState(decoder: decoding.Decoder): object | null {
  const bytes = decoding.readVarUint8Array(decoder)
  if (bytes.length > MAX_STATE_BYTES) throw new RangeError('a state is larger than states may be')
  if (jsonDepth(bytes) > MAX_VALUE_DEPTH) throw new RangeError('a state nests deeper than states may')
  const state: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  if (typeof state !== 'object' || Array.isArray(state)) throw new TypeError('an awareness state is an object or null')
  return state
}
