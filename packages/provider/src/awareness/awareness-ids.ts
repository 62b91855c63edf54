import * as decoding from 'lib0/decoding'

/** The client ids of an encoded awareness update. Throws on anything that is not one. */
export function readAwarenessIds(update: Uint8Array): number[] {
  const decoder = decoding.createDecoder(update)
  const count = decoding.readVarUint(decoder)
  // Each entry takes at least three bytes: a count beyond that is a lie, told to make us allocate.
  if (count * 3 > update.length) throw new RangeError('more awareness entries than bytes')
  const ids: number[] = []
  for (let i = 0; i < count; i++) {
    ids.push(decoding.readVarUint(decoder))
    decoding.readVarUint(decoder)
    const state: unknown = JSON.parse(decoding.readVarString(decoder))
    if (typeof state !== 'object') throw new TypeError('an awareness state is an object or null')
  }
  if (decoding.hasContent(decoder)) throw new RangeError('bytes after the last awareness entry')
  return ids
}
