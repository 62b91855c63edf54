import {
  type Down,
  type Entry,
  encodeFrame,
  envelopeBytes,
  MAX_APPEND_BYTES,
  MAX_AWARENESS_BYTES,
  MAX_ENVELOPE_BYTES,
  MAX_FRAME_BYTES,
  MAX_FRAME_ENVELOPE_BYTES,
  MAX_PROOF_BYTES,
  MAX_RECORD_BYTES,
  ProtocolError,
  parseDownFrame,
  parseUpFrame,
  type Up,
} from '@y-sealed/protocol'
import * as encoding from 'lib0/encoding'
import { describe, expect, it } from 'vitest'

// version|kind, index, salt, counter, flags, codec, tag: the least that can be an envelope.
const SMALLEST_ENVELOPE_BYTES = 1 + 1 + 16 + 1 + 2 + 16

function append(envelopeLength: number, count: number, proofLength = 0): Up {
  const envelopes = Array.from({ length: count }, () => entryOf(envelopeLength, proofLength))
  return { type: 'append', channel: 1, request: 1, envelopes }
}

function entryOf(envelopeLength: number, proofLength: number): Entry {
  return { proof: new Uint8Array(proofLength), envelope: new Uint8Array(envelopeLength) }
}

describe('entries', () => {
  it.each([
    ['the smallest envelopes', SMALLEST_ENVELOPE_BYTES],
    ['padded keystrokes', 100],
    ['envelopes just past two length bytes', 16_384],
    ['the largest envelopes', MAX_ENVELOPE_BYTES],
  ])('[WIRE-21] 1 MiB of %s fits into one frame: a writer needs to count only envelopes', (_, length) => {
    const message = append(length, Math.floor(MAX_FRAME_ENVELOPE_BYTES / length))
    const frame = encodeFrame([message])
    expect(frame.length).toBeLessThanOrEqual(MAX_FRAME_BYTES)
    expect(isSame(frame, encodeFrame(parseUpFrame(frame)))).toBe(true)
  })

  it('[WIRE-21] a byte more than 1 MiB of envelopes is refused on both sides, though the frame would hold it', () => {
    const quarter = MAX_FRAME_ENVELOPE_BYTES / 4
    const full = Array.from({ length: 4 }, () => quarter)
    expect(isSame(encodeFrame(parseUpFrame(rawAppend(full))), rawAppend(full))).toBe(true)
    expect(rawAppend([...full, 1]).length).toBeLessThan(MAX_FRAME_BYTES)
    expect(() => parseUpFrame(rawAppend([...full, 1]))).toThrow(expect.objectContaining({ code: 'limit' }))
    const over: Up = {
      type: 'append',
      channel: 1,
      request: 1,
      envelopes: [...full, 1].map((length) => entryOf(length, 0)),
    }
    expect(() => encodeFrame([over])).toThrow(expect.objectContaining({ code: 'limit' }))
  })

  it('[WIRE-21] an envelope is opaque: any bytes from 1 to 262,656', () => {
    expect(MAX_ENVELOPE_BYTES).toBe(262_656)
    expect(parseUpFrame(encodeFrame([append(1, 1)]))).toStrictEqual([append(1, 1)])
    expect(() => encodeFrame([append(0, 1)])).toThrow(expect.objectContaining({ code: 'malformed' }))
    expect(() => encodeFrame([append(MAX_ENVELOPE_BYTES + 1, 1)])).toThrow(expect.objectContaining({ code: 'limit' }))
  })

  it('[WIRE-21] a proof of a later version passes through untouched, up to 128 bytes', () => {
    expect(parseUpFrame(encodeFrame([append(40, 2, MAX_PROOF_BYTES)]))).toStrictEqual([append(40, 2, MAX_PROOF_BYTES)])
    expect(() => encodeFrame([append(40, 2, MAX_PROOF_BYTES + 1)])).toThrow(expect.objectContaining({ code: 'limit' }))
  })

  it('[WIRE-21] awareness and records have bounds of their own', () => {
    const awareness = (length: number): Up => ({ type: 'awareness', channel: 1, envelope: new Uint8Array(length) })
    const open = (length: number): Up => ({
      type: 'open',
      channel: 1,
      request: 1,
      record: new Uint8Array(length),
      sequence: 0,
      envelopes: [],
    })
    for (const [message, most] of [
      [awareness, MAX_AWARENESS_BYTES],
      [open, MAX_RECORD_BYTES],
    ] as const) {
      expect(parseUpFrame(encodeFrame([message(most)]))).toStrictEqual([message(most)])
      expect(() => encodeFrame([message(most + 1)])).toThrow(expect.objectContaining({ code: 'limit' }))
    }
  })

  it('[WIRE-21] the sealed bytes of a request are those of its envelopes', () => {
    expect(envelopeBytes([entryOf(100, 64), entryOf(200, 0)])).toBe(300)
    expect(MAX_APPEND_BYTES).toBeGreaterThan(MAX_FRAME_ENVELOPE_BYTES)
  })

  it('[WIRE-23] sequences run through 2^53 - 1 and not beyond', () => {
    const entries = (count: number, first: number) =>
      encodeFrame([
        {
          type: 'entries',
          channel: 1,
          first,
          hashBefore: new Uint8Array(8),
          entries: Array.from({ length: count }, () => ({ proof: new Uint8Array(0), envelope: Uint8Array.of(1) })),
        },
      ])
    expect(parseDownFrame(entries(2, Number.MAX_SAFE_INTEGER - 1))).toHaveLength(1)
    expect(() => entries(2, Number.MAX_SAFE_INTEGER)).toThrow(expect.objectContaining({ code: 'malformed' }))
    expect(() => entries(3, Number.MAX_SAFE_INTEGER - 1)).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it('[WIRE-23] an ack cannot stand for more entries than the log has', () => {
    const ack = (sequence: number, count: number) =>
      encodeFrame([{ type: 'ack', channel: 1, request: 1, sequence, count, hash: new Uint8Array(8) }])
    expect(parseDownFrame(ack(2, 2))).toHaveLength(1)
    expect(() => ack(1, 2)).toThrow(expect.objectContaining({ code: 'malformed' }))
    expect(() => ack(1, 0)).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it('[WIRE-27] a document without an epoch has an empty hash, never half of one', () => {
    const heartbeat = (bytes: number) =>
      encodeFrame([{ type: 'heartbeat', channel: 1, sequence: 0, hash: new Uint8Array(bytes) }])
    expect(heartbeat(0)).toStrictEqual(Uint8Array.of(0x4c, 3, 1, 0, 0))
    expect(heartbeat(8)).toStrictEqual(Uint8Array.of(0x4c, 11, 1, 0, 8, ...new Uint8Array(8)))
    for (const bytes of [1, 7, 9, 16]) expect(() => heartbeat(bytes)).toThrow(ProtocolError)
    expect(() => parseDownFrame(Uint8Array.of(0x4c, 7, 1, 0, 4, 1, 2, 3, 4))).toThrow(ProtocolError)
  })

  it('[WIRE-28] an open replaces a record at a sequence and H, or begins a log at nothing', () => {
    const hash = new Uint8Array(32).fill(1)
    const open = (fields: Partial<Extract<Up, { type: 'open' }>>): Up[] => [
      { type: 'open', channel: 1, request: 1, record: Uint8Array.of(1), sequence: 0, envelopes: [], ...fields },
    ]
    for (const fields of [{}, { previous: hash, hash }, { previous: hash, sequence: 7, hash, checkpoint: hash }]) {
      expect(parseUpFrame(encodeFrame(open(fields)))).toStrictEqual(open(fields))
    }
    for (const fields of [{ previous: hash }, { hash }, { sequence: 1 }]) {
      expect(() => encodeFrame(open(fields))).toThrow(expect.objectContaining({ code: 'malformed' }))
    }
  })

  it('[WIRE-28] a read ends at the head, or where it begins, or later', () => {
    const read = (after: number, to: number): Up[] => [{ type: 'read', channel: 1, request: 1, after, to }]
    for (const [after, to] of [
      [5, 0],
      [5, 5],
      [5, 6],
      [0, 1],
    ] as const) {
      expect(parseUpFrame(encodeFrame(read(after, to)))).toStrictEqual(read(after, to))
    }
    expect(() => encodeFrame(read(5, 4))).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it('[WIRE-29] chunks are at most 1 MiB together, and none stands behind the last', () => {
    const answer = (chunks: Uint8Array[], first = 1, total = 1_024): Down[] => [
      { type: 'checkpoint', channel: 1, request: 1, first, total, chunks },
    ]
    const quarter = new Uint8Array(MAX_FRAME_ENVELOPE_BYTES / 4)
    const full = answer([quarter, quarter, quarter, quarter], 1_021)
    expect(parseDownFrame(encodeFrame(full))).toStrictEqual(full)
    for (const bad of [
      answer([quarter, quarter, quarter, quarter, Uint8Array.of(1)]),
      answer([new Uint8Array(MAX_ENVELOPE_BYTES + 1)]),
    ]) {
      expect(() => encodeFrame(bad)).toThrow(expect.objectContaining({ code: 'limit' }))
    }
    for (const bad of [answer([]), answer([quarter, quarter], 3, 3), answer([new Uint8Array(0)])]) {
      expect(() => encodeFrame(bad)).toThrow(expect.objectContaining({ code: 'malformed' }))
    }
  })

  it('[WIRE-22] requests count from 1, so that 0 can mean that nobody asked', () => {
    expect(() => encodeFrame([{ type: 'read', channel: 1, request: 0, after: 0, to: 0 }])).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    )
    const caughtUp = { type: 'caught-up', channel: 1, request: 0, sequence: 0, hash: new Uint8Array(0) } as const
    expect(parseDownFrame(encodeFrame([caughtUp]))).toStrictEqual([caughtUp])
  })
})

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

/** Of a megabyte, in a millisecond; toEqual takes seconds. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
