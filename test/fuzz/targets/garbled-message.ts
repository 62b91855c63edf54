import { type Down, encodeFrame, ProtocolError, type Up } from '@y-sealed/protocol'
import { below, pick } from '../../support/random.ts'
import { mutate, someNumber } from '../mutate.ts'

const STRINGS = ['', 'a', '__proto__', '\u0000', '\ufeff', '🔑', 'x'.repeat(600), '\ud800', 'y-sealed']

/** A frame whose messages say something else than the ones given: fields at their edges. Undefined where the protocol cannot say it. */
export function garbled(random: () => number, messages: readonly (Up | Down)[]): Uint8Array | undefined {
  const said = Array.from({ length: 1 + Math.min(below(random, 4), below(random, 4)) }, () =>
    garble(random, pick(random, messages)),
  )
  return sayable(said)
}

/** The same message with another value in one field or in some; of the same type and on the same channel where `keep` names them. */
export function garble<Message extends Up | Down>(
  random: () => number,
  message: Message,
  keep: readonly string[] = ['type'],
): Message {
  const fields: [string, unknown][] = Object.entries(message)
  const share = pick(random, [2, 4, 8])
  const changed = fields.map(([name, value]) => [
    name,
    keep.includes(name) || below(random, share) > 0 ? value : garbleValue(random, value, 0),
  ])
  // Each value is of the kind it had: what does not fit the wire, the writer refuses.
  return Object.fromEntries(changed) as Message
}

/** The frame, if the protocol has words for it; the writer keeps the reader's bounds (WIRE-10). */
export function sayable(messages: readonly (Up | Down)[]): Uint8Array | undefined {
  try {
    return encodeFrame(messages as Down[])
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

function garbleValue(random: () => number, value: unknown, depth: number): unknown {
  if (typeof value === 'number') return pick(random, [someNumber(random), value + 1, Math.max(0, value - 1)])
  if (typeof value === 'boolean') return !value
  if (typeof value === 'string') return pick(random, STRINGS)
  if (value instanceof Uint8Array) return garbleBytes(random, value)
  if (Array.isArray(value)) return garbleList(random, value, depth)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      below(random, 2) === 0 ? member : garbleValue(random, member, depth + 1),
    ]),
  )
}

function garbleBytes(random: () => number, bytes: Uint8Array): Uint8Array {
  const isFixed = bytes.length === 8 || bytes.length === 32
  if (bytes.length === 0 || (isFixed && below(random, 4) > 0)) {
    return Uint8Array.from({ length: bytes.length }, () => pick(random, [0, below(random, 256)]))
  }
  return mutate(random, [bytes])
}

function garbleList(random: () => number, list: readonly unknown[], depth: number): unknown[] {
  const changed = list.map((member) => (below(random, 2) === 0 ? member : garbleValue(random, member, depth + 1)))
  const way = below(random, 4)
  if (way === 0) return changed.slice(0, below(random, changed.length + 1))
  if (way === 1) return [...changed, ...changed]
  return way === 2 ? changed.reverse() : changed
}
