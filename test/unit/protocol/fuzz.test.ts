import { encodeFrame, isForeignFrame, ProtocolError, parseDownFrame, parseUpFrame } from '@y-sealed/protocol'
import { describe, expect, it } from 'vitest'
import { below, pick, seededRandom } from '../../support/random.ts'
import { type FrameVector, fromHex, readVectors, toHex } from './vectors.ts'

const { frames } = readVectors<{ frames: FrameVector[] }>('frames')
const seeds = ['frames/1', 'frames/2', 'frames/3']

// What a varint, a length and a count turn into when somebody means harm.
const nastyBytes = [0x00, 0x01, 0x02, 0x7f, 0x80, 0x81, 0xfe, 0xff]

describe.each(seeds)('bytes from a stranger, seed %s', (seed) => {
  it('[WIRE-8] garbage raises a ProtocolError and nothing else', () => {
    const random = seededRandom(`${seed}/garbage`)
    for (let round = 0; round < 2_000; round++) {
      const bytes = Uint8Array.from({ length: below(random, 48) }, () => below(random, 256))
      survive(bytes)
      // With a known id in front, so that the fields are reached.
      survive(Uint8Array.of(pick(random, [0x10, 0x40]) + below(random, 24), bytes.length, ...bytes))
    }
  })

  it('[WIRE-8, WIRE-11] a mutated frame raises a ProtocolError, or is a frame that is written as it was read', () => {
    const random = seededRandom(`${seed}/mutation`)
    for (let round = 0; round < 4_000; round++) {
      const bytes = fromHex(pick(random, frames).frame)
      for (let mutation = 0; mutation <= below(random, 3); mutation++) {
        bytes[below(random, bytes.length)] = pick(random, [below(random, 256), pick(random, nastyBytes)])
      }
      survive(bytes)
    }
  })

  it('[WIRE-8] frames spliced from two others raise a ProtocolError, or are read as a whole', () => {
    const random = seededRandom(`${seed}/splice`)
    for (let round = 0; round < 2_000; round++) {
      const [head, tail] = [fromHex(pick(random, frames).frame), fromHex(pick(random, frames).frame)]
      survive(
        Uint8Array.of(...head.subarray(0, below(random, head.length)), ...tail.subarray(below(random, tail.length))),
      )
    }
  })
})

it('[WIRE-6] a length or count that promises gigabytes costs no memory', () => {
  const before = process.memoryUsage()
  const huge = 'ffffffffffffff0f'
  const promises = [
    `19${huge}`,
    `140b010100${huge}`,
    `110a00${huge}`,
    `17090a${huge}`,
    `430f0101${'00'.repeat(8)}${huge}`,
    `4211000100000000000000${huge}`,
    // As many entries as a frame may hold, and none of them there.
    '14060101008080020000',
    // As many places as a message may have, and none of them there.
    '560401018008',
  ]
  for (let round = 0; round < 2_000; round++) for (const promise of promises) survive(fromHex(promise))
  const after = process.memoryUsage()
  expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(16 * 1024 * 1024)
  expect(after.rss - before.rss).toBeLessThan(128 * 1024 * 1024)
})

/** Both parsers refuse with a ProtocolError, or read a frame that has no other way to be written. */
function survive(bytes: Uint8Array): void {
  for (const again of [() => encodeFrame(parseUpFrame(bytes)), () => encodeFrame(parseDownFrame(bytes))]) {
    try {
      expect(toHex(again())).toBe(toHex(bytes))
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw new Error(`on ${toHex(bytes)}`, { cause: error })
    }
  }
  expect(isForeignFrame(bytes)).toBeTypeOf('boolean')
}
