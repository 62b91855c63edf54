import {
  type Down,
  encodeFrame,
  isForeignFrame,
  MAX_FRAME_BYTES,
  MAX_FRAME_ENVELOPE_BYTES,
  MAX_FRAME_ITEMS,
  ProtocolError,
  parseDownFrame,
  parseUpFrame,
  type RefusalCode,
  type Up,
} from '@y-sealed/protocol'
import * as encoding from 'lib0/encoding'
import { describe, expect, it } from 'vitest'
import { downCodecs } from '../../../packages/protocol/src/down.ts'
import { upCodecs } from '../../../packages/protocol/src/up.ts'
import { type FrameVector, fromHex, type RefusedFrameVector, readVectors, toHex, toVector } from './vectors.ts'

const { frames } = readVectors<{ frames: FrameVector[] }>('frames')
const refused = readVectors<{ frames: RefusedFrameVector[] }>('refused-frames').frames
const parse = { up: parseUpFrame, down: parseDownFrame }

describe('frames that both sides understand', () => {
  it.each(frames)('[WIRE-1, WIRE-20] $direction: $name reads as the vector says', ({ direction, frame, messages }) => {
    expect(toVector(parse[direction](fromHex(frame)))).toStrictEqual(messages)
  })

  it.each(frames)('[WIRE-11] $direction: $name is written as it was read, to the byte', ({ direction, frame }) => {
    const again =
      direction === 'up' ? encodeFrame(parseUpFrame(fromHex(frame))) : encodeFrame(parseDownFrame(fromHex(frame)))
    expect(toHex(again)).toBe(frame)
  })

  it('[WIRE-20] every message of both directions has a vector', () => {
    const seen = (direction: 'up' | 'down') =>
      new Set(
        frames
          .filter((vector) => vector.direction === direction)
          .flatMap(({ messages }) => messages.map(({ type }) => type)),
      )
    expect([...seen('up')].sort()).toEqual(Object.keys(upCodecs).sort())
    expect([...seen('down')].sort()).toEqual(Object.keys(downCodecs).sort())
  })

  it('[WIRE-20] no two messages share a number, and none has one that y-protocols uses', () => {
    const ids = [...Object.values(upCodecs), ...Object.values(downCodecs)].map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(Math.min(...ids)).toBeGreaterThan(3)
  })
})

describe('frames that nobody understands', () => {
  it.each(refused)('[WIRE-6, WIRE-8] $direction: $name is $expect', ({ direction, frame, expect: code }) => {
    const error = errorOf(() => parse[direction](fromHex(frame)))
    expect(error).toBeInstanceOf(ProtocolError)
    expect(error).toMatchObject({ code })
  })

  it('[WIRE-1] a message cut short anywhere is malformed, and so is one with the start of another behind it', () => {
    for (const { direction, frame } of frames.filter(({ messages }) => messages.length === 1)) {
      const bytes = fromHex(frame)
      for (let length = 0; length < bytes.length; length++) {
        const cut = bytes.subarray(0, length)
        expect(
          codeOf(() => parse[direction](cut)),
          `${frame} cut to ${length} bytes`,
        ).toBe('malformed')
      }
      const id = direction === 'up' ? upCodecs.ping.id : downCodecs.pong.id
      expect(codeOf(() => parse[direction](Uint8Array.of(...bytes, id)))).toBe('malformed')
    }
  })

  it('[WIRE-7] a message of the other direction is unsupported, so that an echo is never taken for an answer', () => {
    for (const { direction, frame } of frames) {
      expect(codeOf(() => parse[direction === 'up' ? 'down' : 'up'](fromHex(frame)))).toBe('unsupported')
    }
  })

  it('[WIRE-6] a frame over the limit is refused before a byte of it is read', () => {
    expect(codeOf(() => parseUpFrame(new Uint8Array(MAX_FRAME_BYTES + 1)))).toBe('limit')
  })

  it('[WIRE-5] a frame of more messages than the limit is refused', () => {
    const pings = (count: number): Up[] => Array.from({ length: count }, () => ({ type: 'ping', nonce: 0 }))
    const fits = encodeFrame(pings(MAX_FRAME_ITEMS))
    expect(parseUpFrame(fits)).toHaveLength(MAX_FRAME_ITEMS)
    expect(codeOf(() => parseUpFrame(Uint8Array.of(...fits, ...encodeFrame(pings(1)))))).toBe('limit')
    expect(codeOf(() => encodeFrame(pings(MAX_FRAME_ITEMS + 1)))).toBe('limit')
  })

  it('[WIRE-5] tiny entries spread over several messages cannot pass the item limit either', () => {
    const append = (request: number): Up => ({
      type: 'append',
      channel: 0,
      request,
      envelopes: Array.from({ length: 20_000 }, () => ({ proof: new Uint8Array(0), envelope: Uint8Array.of(1) })),
    })
    const one = encodeFrame([append(1)])
    expect(parseUpFrame(one)).toHaveLength(1)
    expect(codeOf(() => parseUpFrame(Uint8Array.of(...one, ...one)))).toBe('limit')
    expect(codeOf(() => encodeFrame([append(1), append(2)]))).toBe('limit')
  })

  it('[WIRE-8] an error names the part, the bound and the length, and nothing of the content', () => {
    const token = 'S3cretToken'
    const frame = joinFrame(token.repeat(1_000))
    const error = errorOf(() => parseUpFrame(frame))
    expect(error).toMatchObject({ message: 'join.token: expected at most 8192, got 11000' })
    const writing = errorOf(() => encodeFrame([{ type: 'refresh', channel: 0, token: `${token}\ud800` }]))
    expect(writing).toMatchObject({ message: 'refresh.token: expected well-formed Unicode' })
  })
})

describe('what a reader keeps', () => {
  it('[WIRE-9] a parsed envelope owns its bytes: it neither changes with the frame nor keeps it alive', () => {
    const envelope = Uint8Array.of(0x13, 1, 2, 3)
    const frame = encodeFrame([{ type: 'awareness', channel: 1, envelope }])
    // What `ws` hands over is a Buffer, whose own `slice` shares memory.
    const buffer = Buffer.from(frame)
    const [message] = parseUpFrame(buffer)
    buffer.fill(0xff)
    expect(message).toStrictEqual({ type: 'awareness', channel: 1, envelope })
    expect((message as { envelope: Uint8Array }).envelope.buffer.byteLength).toBe(envelope.length)
  })

  it('[WIRE-4] an absent field is a missing member, not one with the value undefined', () => {
    const [message] = parseUpFrame(joinFrame(''))
    expect(Object.keys(message ?? {})).not.toContain('head')
  })
})

describe('what a writer refuses', () => {
  const never = { type: 'awareness', channel: 1, envelope: new Uint8Array(0) } as const
  const ack = { type: 'ack', channel: 1, request: 1, sequence: 1, count: 1, hash: new Uint8Array(8) } as const
  const refusal = { type: 'refused', channel: 1, request: 1, code: 'internal', detail: '' } as const
  const quarter = { proof: new Uint8Array(0), envelope: new Uint8Array(MAX_FRAME_ENVELOPE_BYTES / 4) }
  const fullAppend: Up = { type: 'append', channel: 1, request: 1, envelopes: Array.from({ length: 4 }, () => quarter) }
  const cases: [string, string, Up[] | Down[]][] = [
    ['no message', 'malformed', []],
    ['an empty envelope', 'malformed', [never]],
    ['a fractional channel', 'malformed', [{ type: 'leave', channel: 1.5 }]],
    ['a negative channel', 'malformed', [{ type: 'leave', channel: -1 }]],
    [
      'a sequence that is not a number',
      'malformed',
      [{ type: 'read', channel: 1, request: 1, after: Number.NaN, to: 0 }],
    ],
    ['a channel above 2^31 - 1', 'limit', [{ type: 'leave', channel: 2 ** 31 }]],
    ['half a character', 'malformed', [{ type: 'refresh', channel: 1, token: '\udc00' }]],
    ['an ack with half a hash', 'malformed', [{ ...ack, hash: new Uint8Array(7) }]],
    ['a refusal for no reason', 'malformed', [{ ...refusal, code: 'because' as RefusalCode }]],
    ['a frame of two full appends', 'limit', [fullAppend, fullAppend]],
    ['a hash of 9 bytes', 'malformed', [{ type: 'heartbeat', channel: 1, sequence: 1, hash: new Uint8Array(9) }]],
    [
      'a hello beside something',
      'malformed',
      [
        { type: 'hello', minVersion: 1, maxVersion: 1, agent: '' },
        { type: 'ping', nonce: 1 },
      ],
    ],
    ['an upside-down range', 'malformed', [{ type: 'incompatible', minVersion: 2, maxVersion: 1 }]],
  ]
  it.each(cases)('[WIRE-10] %s is %s', (_, code, messages) => {
    expect(codeOf(() => encodeFrame(messages as Up[]))).toBe(code)
  })
})

describe('primitives', () => {
  it('[WIRE-2] varints are those of lib0', () => {
    for (const value of [0, 1, 127, 128, 16_383, 16_384, 2 ** 31 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      const encoder = encoding.createEncoder()
      for (const part of [1, 1, value, 0]) encoding.writeVarUint(encoder, part)
      const body = encoding.toUint8Array(encoder)
      const frame = encodeFrame([{ type: 'read', channel: 1, request: 1, after: value, to: 0 }])
      expect(toHex(frame)).toBe(toHex(Uint8Array.of(upCodecs.read.id, body.length, ...body)))
      expect(parseUpFrame(frame)).toStrictEqual([{ type: 'read', channel: 1, request: 1, after: value, to: 0 }])
    }
  })

  it('[WIRE-3] a room name comes back as it was, byte order mark, NUL and all', () => {
    for (const room of ['\ufeffdoc', 'a\0b', 'e\u0301', '\u00e9', '🔑'.repeat(256), ' ']) {
      const join: Up = {
        type: 'join',
        channel: 0,
        room,
        token: '',
        params: {},
        cursor: 0,
        hash: new Uint8Array(0),
        observe: false,
      }
      expect(parseUpFrame(encodeFrame([join]))).toStrictEqual([join])
    }
  })
})

describe('a connection that is not ours', () => {
  it('[WIRE-15] the first frame of a plain y-websocket client is recognised', () => {
    // messageSync, syncStep1, an empty state vector
    expect(isForeignFrame(Uint8Array.of(0, 0, 1, 0))).toBe(true)
    expect(isForeignFrame(new Uint8Array(0))).toBe(true)
    expect(isForeignFrame(new TextEncoder().encode('{"type":"hello"}'))).toBe(true)
    expect(isForeignFrame(encodeFrame([{ type: 'ping', nonce: 1 }]))).toBe(true)
    const hello = encodeFrame([{ type: 'hello', minVersion: 1, maxVersion: 1, agent: '' }])
    expect(isForeignFrame(Uint8Array.of(0, ...hello.subarray(1)))).toBe(true)
    for (let place = 2; place < 10; place++) {
      expect(isForeignFrame(hello.map((byte, index) => (index === place ? byte ^ 1 : byte)))).toBe(true)
    }
  })

  it('[WIRE-15] a hello of any version is not foreign', () => {
    expect(isForeignFrame(encodeFrame([{ type: 'hello', minVersion: 1, maxVersion: 1, agent: '' }]))).toBe(false)
    const longest: Up = { type: 'hello', minVersion: 2 ** 31 - 1, maxVersion: 2 ** 31 - 1, agent: 'a'.repeat(64) }
    expect(isForeignFrame(encodeFrame([longest]))).toBe(false)
  })
})

function joinFrame(token: string): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, 0)
  encoding.writeVarString(encoder, 'room')
  encoding.writeVarString(encoder, token)
  encoding.writeUint8Array(encoder, new Uint8Array(5))
  const body = encoding.toUint8Array(encoder)
  const frame = encoding.createEncoder()
  encoding.writeVarUint(frame, upCodecs.join.id)
  encoding.writeVarUint8Array(frame, body)
  return encoding.toUint8Array(frame)
}

function errorOf(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  throw new Error('expected it to be refused')
}

function codeOf(action: () => unknown): string {
  const error = errorOf(action)
  if (error instanceof ProtocolError) return error.code
  throw error
}
