import {
  type Entry,
  encodeEntries,
  encodeFrame,
  MAX_ENVELOPE_BYTES,
  MAX_FRAME_BYTES,
  MAX_FRAME_ENVELOPE_BYTES,
  MAX_FRAME_ITEMS,
  type NewBlock,
  ProtocolError,
  parseDownFrame,
  parseUpBlocks,
  parseUpFrame,
  type Up,
} from '@y-sealed/protocol'
import * as encoding from 'lib0/encoding'
import { describe, expect, it } from 'vitest'
import { below, pick, seededRandom } from '../../support/random.ts'
import { type FrameVector, fromHex, type RefusedFrameVector, readVectors, toHex } from './vectors.ts'

const up = (vectors: { direction: string; frame: string }[]) =>
  vectors.filter(({ direction }) => direction === 'up').map(({ frame }) => fromHex(frame))
const frames = up(readVectors<{ frames: FrameVector[] }>('frames').frames)
const refused = up(readVectors<{ frames: RefusedFrameVector[] }>('refused-frames').frames)

const hashBefore = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)

describe('a message whose entries are read as one block', () => {
  it('[WIRE-8, WIRE-21] is refused exactly where it is refused entry by entry, with the same words', () => {
    const random = seededRandom('blocks')
    const mutated = Array.from({ length: 20_000 }, () => {
      const bytes = pick(random, frames).slice()
      for (let mutation = 0; mutation <= below(random, 3); mutation++) {
        bytes[below(random, bytes.length)] = pick(random, [0, 1, 2, 0x7f, 0x80, 0x81, 0xff, below(random, 256)])
      }
      return bytes
    })
    for (const bytes of [...frames, ...refused, ...mutated]) {
      expect(
        outcome(() => parseUpBlocks(bytes).map(inEntries)),
        toHex(bytes),
      ).toEqual(outcome(() => parseUpFrame(bytes)))
    }
  })

  it('[WIRE-21] holds 1 MiB of envelopes and not a byte more, though the frame would hold it', () => {
    const quarter = MAX_FRAME_ENVELOPE_BYTES / 4
    const full = [quarter, quarter, quarter, quarter]
    expect(parseUpBlocks(rawAppend(full))).toMatchObject([{ envelopes: { count: 4, envelopeBytes: 4 * quarter } }])
    expect(() => parseUpBlocks(rawAppend([...full, 1]))).toThrow(expect.objectContaining({ code: 'limit' }))
    expect(() => parseUpBlocks(rawAppend([MAX_ENVELOPE_BYTES + 1]))).toThrow(expect.objectContaining({ code: 'limit' }))
  })

  it('[WIRE-11] is forwarded byte by byte as it would be encoded from its entries', () => {
    const entries = [entryOf(0, 1), entryOf(128, 127), entryOf(3, 128), entryOf(0, 20_000)]
    const message = { type: 'entries', channel: 300, first: 2 ** 40, hashBefore } as const
    for (const [from, to] of [
      [0, 1],
      [1, 3],
      [0, 4],
    ] as const) {
      const wanted = entries.slice(from, to)
      const encoded = encodeFrame([{ ...message, entries: wanted }])
      const forwarded = encodeEntries({ ...message, entries: wanted.map((entry) => blockOf([entry])) })
      expect(Buffer.compare(encoded, forwarded)).toBe(0)
      expect(Buffer.compare(encoded, encodeEntries({ ...message, entries: [blockOf(wanted)] }))).toBe(0)
      expect(parseDownFrame(forwarded)).toStrictEqual([{ ...message, entries: wanted }])
    }
  })

  it('[WIRE-9] owns its bytes: it neither changes with the frame nor keeps it alive', () => {
    const frame = Buffer.from(encodeFrame([append([entryOf(2, 50)])]))
    const [message] = parseUpBlocks(frame)
    if (message?.type !== 'append') throw new Error('expected an append')
    const before = message.envelopes.bytes.slice()
    frame.fill(0xff)
    expect(message.envelopes.bytes).toEqual(before)
    expect(message.envelopes.bytes.buffer.byteLength).toBe(before.length)
  })

  it('[WIRE-10] cannot be written into a frame that nobody could read', () => {
    // The message is an item too.
    const most = blockOf(Array.from({ length: MAX_FRAME_ITEMS - 1 }, () => entryOf(0, 1)))
    const one = blockOf([entryOf(0, 1)])
    const large = { count: 1, bytes: new Uint8Array(MAX_FRAME_BYTES) }
    const message = { type: 'entries', channel: 1, first: 1, hashBefore } as const
    expect(encodeEntries({ ...message, entries: [most] }).length).toBeGreaterThan(MAX_FRAME_ITEMS)
    for (const [entries, code] of [
      [[most, one], 'limit'],
      [[large], 'limit'],
      [[], 'malformed'],
    ] as const) {
      expect(() => encodeEntries({ ...message, entries })).toThrow(expect.objectContaining({ code }))
    }
    expect(() => encodeEntries({ ...message, first: Number.MAX_SAFE_INTEGER, entries: [one, one] })).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    )
  })
})

function entryOf(proofBytes: number, envelopeBytes: number): Entry {
  return { proof: new Uint8Array(proofBytes).fill(7), envelope: new Uint8Array(envelopeBytes).fill(9) }
}

function append(envelopes: Entry[]): Up {
  return { type: 'append', channel: 1, request: 1, envelopes }
}

function blockOf(entries: Entry[]): NewBlock {
  const [message] = parseUpBlocks(encodeFrame([append(entries)]))
  if (message?.type !== 'append') throw new Error('expected an append')
  return message.envelopes
}

/** The frame of an append of zeros, written without our writer and its bounds. */
function rawAppend(envelopeLengths: number[]): Uint8Array {
  const body = encoding.createEncoder()
  for (const number of [1, 1, 0, envelopeLengths.length]) encoding.writeVarUint(body, number)
  for (const length of envelopeLengths) {
    encoding.writeVarUint(body, 0)
    encoding.writeVarUint8Array(body, new Uint8Array(length))
  }
  const frame = encoding.createEncoder()
  encoding.writeVarUint(frame, 0x14)
  encoding.writeVarUint8Array(frame, encoding.toUint8Array(body))
  return encoding.toUint8Array(frame)
}

/** The message as `parseUpFrame` would have returned it, by way of a message of the other direction. */
function inEntries(message: Up<NewBlock>): Up {
  if (!('envelopes' in message)) return message
  const { count, bytes, envelopeBytes } = message.envelopes
  const entries = count === 0 ? [] : entriesOf(message.envelopes)
  expect(entries.reduce((sum, { envelope }) => sum + envelope.length, 0)).toBe(envelopeBytes)
  if (count === 0) expect(bytes).toHaveLength(0)
  return { ...message, envelopes: entries }
}

function entriesOf(block: NewBlock): Entry[] {
  const frame = encodeEntries({ type: 'entries', channel: 1, first: 1, hashBefore, entries: [block] })
  const [message] = parseDownFrame(frame)
  if (message?.type !== 'entries') throw new Error('expected entries')
  return message.entries
}

/** What came of it, in a form that compares. */
function outcome(parse: () => unknown): unknown {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return `${error.code}: ${error.message}`
  }
}
