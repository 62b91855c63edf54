import { below, pick, randomBytes } from '../../support/random.ts'
import { join } from '../mutate.ts'

/** The files of a folder, by name. */
export type Image = ReadonlyMap<string, Uint8Array>

/** image (1) ‖ file (1) ‖ edits of 8 bytes: what happens to files on a disk. */
const HEAD_BYTES = 2
const EDIT_BYTES = 8
const MAX_EDITS = 6

/** SQLite's own page. */
const PAGE_BYTES = 4_096

/** Edits of one file of one image. */
export function inventEdits(random: () => number): Uint8Array {
  const count = pick(random, [1, 1, 1, 2, 3, MAX_EDITS])
  return join(Uint8Array.of(below(random, 256), below(random, 256)), randomBytes(random, count * EDIT_BYTES))
}

/** The files of the image that is meant, one of them changed. */
export function editedImage(images: readonly Image[], input: Uint8Array): Image {
  const [image = 0, file = 0] = input
  const chosen = images[image % images.length] as Image
  const names = [...chosen.keys()]
  const name = names[file % names.length] as string
  let bytes: Uint8Array = (chosen.get(name) as Uint8Array).slice()
  for (
    let at = HEAD_BYTES;
    at + EDIT_BYTES <= input.length && at < HEAD_BYTES + MAX_EDITS * EDIT_BYTES;
    at += EDIT_BYTES
  ) {
    bytes = edit(bytes, input.subarray(at, at + EDIT_BYTES))
  }
  return new Map([...chosen, [name, bytes]])
}

/** op (1) ‖ where (3) ‖ from where (3) ‖ value (1) */
function edit(
  bytes: Uint8Array,
  [op = 0, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, value = 0]: Uint8Array,
): Uint8Array {
  // One in four hits the first page, where SQLite keeps the tables' own description.
  const reach = value % 4 === 0 ? Math.min(PAGE_BYTES, bytes.length) : bytes.length
  const where = Math.floor((((a << 16) | (b << 8) | c) / 2 ** 24) * reach)
  const from = Math.floor((((d << 16) | (e << 8) | f) / 2 ** 24) * bytes.length)
  const pageOf = (at: number): number => at - (at % PAGE_BYTES)
  switch (op % 8) {
    case 0:
      return changed(bytes, where, Uint8Array.of((bytes[where] ?? 0) ^ (1 << (value % 8))))
    case 1:
      return changed(bytes, where, Uint8Array.of(value))
    case 2:
      return changed(bytes, where, new Uint8Array(16).fill(value))
    case 3:
      return changed(bytes, pageOf(where), new Uint8Array(PAGE_BYTES))
    case 4:
      return bytes.slice(0, where)
    case 5:
      return changed(bytes, where, bytes.slice(from, from + 64))
    case 6:
      return changed(bytes, pageOf(where), bytes.slice(pageOf(from), pageOf(from) + PAGE_BYTES))
    default:
      return join(bytes, new Uint8Array(value + 1).fill(value))
  }
}

function changed(bytes: Uint8Array, at: number, by: Uint8Array): Uint8Array {
  const other = bytes.slice()
  other.set(by.subarray(0, Math.max(0, other.length - at)), Math.min(at, other.length))
  return other
}
