import { below, pick, randomBytes } from '../support/random.ts'

type Random = () => number
type Mutation = (bytes: Uint8Array, random: Random, seeds: readonly Uint8Array[]) => Uint8Array

/** What a length, a count, a flag turns into when somebody means harm. */
const NASTY_BYTES = [0x00, 0x01, 0x02, 0x7f, 0x80, 0x81, 0xfe, 0xff]

/** Numbers at the edges of what varints, counters, indexes and sequences may be. */
const EXTREMES = [
  0,
  1,
  127,
  128,
  2 ** 14 - 1,
  2 ** 14,
  2 ** 24,
  2 ** 24 + 1,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 48,
  Number.MAX_SAFE_INTEGER,
  2 ** 53,
  2 ** 63,
]

/** No number that a minimal varint can have: zero in two bytes, one in three, and one that never ends. */
const CROOKED_VARINTS = [
  [0x80, 0x00],
  [0x81, 0x80, 0x00],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
]

/** Long enough to pass every bound that is counted in bytes below a kilobyte, short enough to try thousands. */
const MAX_ADDED_BYTES = 64

/** A case: one of the seeds, changed in one place or in some. */
export function mutate(random: Random, seeds: readonly Uint8Array[]): Uint8Array {
  let bytes = pick(random, seeds)
  const times = 1 + Math.min(below(random, 5), below(random, 5))
  for (let time = 0; time < times; time++) bytes = pick(random, MUTATIONS)(bytes, random, seeds)
  return bytes
}

/** A number at an edge, or anywhere up to `max`. */
export function someNumber(random: Random, max = Number.MAX_SAFE_INTEGER): number {
  const extremes = EXTREMES.filter((each) => each <= max)
  return pick(random, [pick(random, [...extremes, max]), Math.floor(random() * max), below(random, 300)])
}

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, random) {
    return changeByte(bytes, random, (byte) => byte ^ (1 << below(random, 8)))
  },
  function setByte(bytes, random) {
    return changeByte(bytes, random, () => pick(random, [below(random, 256), pick(random, NASTY_BYTES)]))
  },
  function changeNumber(bytes, random) {
    return changeByte(bytes, random, (byte) => byte + pick(random, [1, -1]))
  },
  function truncate(bytes, random) {
    return bytes.subarray(0, below(random, bytes.length + 1))
  },
  function extend(bytes, random) {
    const added = 1 + below(random, MAX_ADDED_BYTES)
    return join(bytes, pick(random, [new Uint8Array(added), randomBytes(random, added)]))
  },
  function insert(bytes, random) {
    return replace(bytes, place(bytes, random), 0, randomBytes(random, 1 + below(random, MAX_ADDED_BYTES)))
  },
  function remove(bytes, random) {
    const at = place(bytes, random)
    return replace(bytes, at, below(random, bytes.length - at + 1), new Uint8Array(0))
  },
  function repeat(bytes, random) {
    const at = place(bytes, random)
    const slice = bytes.subarray(at, at + 1 + below(random, MAX_ADDED_BYTES))
    return replace(bytes, at, 0, slice)
  },
  function splice(bytes, random, seeds) {
    const other = pick(random, seeds)
    return join(bytes.subarray(0, place(bytes, random)), other.subarray(place(other, random)))
  },
  function overlay(bytes, random, seeds) {
    const other = pick(random, seeds)
    const from = place(other, random)
    const slice = other.subarray(from, from + 1 + below(random, MAX_ADDED_BYTES))
    return replace(bytes, place(bytes, random), slice.length, slice)
  },
  function setVarint(bytes, random) {
    const at = place(bytes, random)
    const crooked = Uint8Array.from(pick(random, CROOKED_VARINTS))
    return replace(bytes, at, varintLength(bytes, at), pick(random, [crooked, varint(pick(random, EXTREMES))]))
  },
  function setLength(bytes, random) {
    const length = pick(random, [0, 1, bytes.length, 0x7fff, 0x8000, 0xffff, below(random, 0x10000)])
    return replace(bytes, place(bytes, random), 2, Uint8Array.of((length >> 8) & 0xff, length & 0xff))
  },
  function zero(bytes, random) {
    const at = place(bytes, random)
    const length = Math.min(bytes.length - at, pick(random, [1, 2, 8, 16, 32]))
    return replace(bytes, at, length, new Uint8Array(length))
  },
]

/** lib0's varUint of any whole number, also of those that no reader may take. */
export function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  bytes.push(rest)
  return Uint8Array.from(bytes)
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

const place = (bytes: Uint8Array, random: Random): number => below(random, bytes.length + 1)

function changeByte(bytes: Uint8Array, random: Random, change: (byte: number) => number): Uint8Array {
  if (bytes.length === 0) return bytes
  const changed = bytes.slice()
  const at = below(random, bytes.length)
  changed[at] = change(changed[at] ?? 0)
  return changed
}

function replace(bytes: Uint8Array, at: number, length: number, by: Uint8Array): Uint8Array {
  return join(bytes.subarray(0, at), by, bytes.subarray(Math.min(bytes.length, at + length)))
}

/** How many bytes the varint has that may begin here. */
function varintLength(bytes: Uint8Array, at: number): number {
  let end = at
  while (end < bytes.length && (bytes[end] ?? 0) >= 0x80) end++
  return end - at + 1
}
