import type { Field } from '../codec/field.ts'
import { list, struct, varString } from '../codec/field.ts'
import { MAX_PARAMS, MAX_PARAMS_BYTES } from '../limits.ts'

const pair = struct<{ name: string; value: string }>({
  name: varString(0, MAX_PARAMS_BYTES),
  value: varString(0, MAX_PARAMS_BYTES),
})
const pairs = list(pair, 0, MAX_PARAMS)
const utf8 = new TextEncoder()

/**
 * What a y-websocket URL would carry as its query: list of (varstring name • varstring value), by name in the order of
 * its UTF-8 bytes, so that there is one way to write them and no name can come twice.
 */
export const params: Field<Record<string, string>> = {
  shape: `${pairs.shape}, sorted, together 0..${MAX_PARAMS_BYTES} bytes`,
  read(reader) {
    const read = pairs.read(reader)
    let previous: Uint8Array | undefined
    let total = 0
    for (const { name, value } of read) {
      const bytes = utf8.encode(name)
      if (previous && compareBytes(previous, bytes) >= 0) throw reader.malformed('expected names in ascending order')
      previous = bytes
      total += bytes.length + utf8.encode(value).length
    }
    if (total > MAX_PARAMS_BYTES) throw reader.limit(`expected at most ${MAX_PARAMS_BYTES} bytes, got ${total}`)
    // fromEntries defines own properties: a parameter called __proto__ is just a name.
    return Object.fromEntries(read.map(({ name, value }) => [name, value]))
  },
  write(writer, value) {
    const named = Object.entries(value).map(([name, text]) => ({ name, value: text, bytes: utf8.encode(name) }))
    const total = named.reduce((sum, { bytes, value: text }) => sum + bytes.length + utf8.encode(text).length, 0)
    if (total > MAX_PARAMS_BYTES) throw writer.limit(`expected at most ${MAX_PARAMS_BYTES} bytes, got ${total}`)
    pairs.write(
      writer,
      named.sort((a, b) => compareBytes(a.bytes, b.bytes)),
    )
  },
}

/** The order of UTF-8 bytes is that of code points; JavaScript's own order of strings is not. */
function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let index = 0; index < shared; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}
