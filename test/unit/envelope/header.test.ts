import {
  EnvelopeKind,
  encodeHeader,
  encodeVarint,
  parseHeader,
  readVarint,
  recordPrefix,
} from '@y-sealed/protocol/header'
import { createEncoder, toUint8Array, writeVarUint } from 'lib0/encoding'
import { expect, it } from 'vitest'
import { unhex } from './fixtures.ts'

const salt = unhex('745cc4614c7b940913350e8cacf688c3')
const sealed = new Uint8Array(18)

it('[ENV-1] varints are those of lib0, at every length', () => {
  for (const value of [0, 1, 127, 128, 16383, 16384, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 49, Number.MAX_SAFE_INTEGER]) {
    const encoder = createEncoder()
    writeVarUint(encoder, value)
    const bytes = encodeVarint(value)
    expect(bytes).toEqual(toUint8Array(encoder))
    expect(readVarint(bytes, 0)).toEqual({ value, end: bytes.length })
  }
})

it('[ENV-1] a varint is refused when it is cut, longer than needed, or beyond 2^53 - 1', () => {
  const bad = ['', '80', '8000', 'ff00', '818000', 'ffffffffffffff10', 'ffffffffffffffffff01', '80808080808080808080']
  for (const bytes of bad) expect(() => readVarint(unhex(bytes), 0), bytes).toThrow('varint')
  expect(readVarint(unhex('ffffffffffffff0f'), 0).value).toBe(Number.MAX_SAFE_INTEGER)
  for (const value of [-1, 0.5, Number.NaN, 2 ** 53]) expect(() => encodeVarint(value)).toThrow(RangeError)
})

it('[ENV-9] every header that can be written is read back', () => {
  for (const kind of Object.values(EnvelopeKind)) {
    for (const epochIndex of [0, 127, 128, 2 ** 31 - 1]) {
      for (const counter of [1, 127, 128, 16384, 2 ** 24]) {
        const header = encodeHeader({ kind, epochIndex, salt, counter })
        const parsed = parseHeader(new Uint8Array([...header, ...sealed]))
        expect(parsed).toEqual({ version: 1, kind, epochIndex, salt, counter, headerBytes: header.length })
      }
    }
  }
})

it('[ENV-9] the salt of a parsed header is a copy: the frame it came in may be reused', () => {
  const envelope = new Uint8Array([...encodeHeader({ kind: 1, epochIndex: 0, salt, counter: 1 }), ...sealed])
  const parsed = parseHeader(envelope)
  envelope.fill(0)
  expect(parsed.salt).toEqual(salt)
})

it('[ENV-2] of 256 first bytes six are envelopes, the rest is unsupported', () => {
  const rest = [...encodeHeader({ kind: 1, epochIndex: 0, salt, counter: 1 }).subarray(1), ...sealed]
  const accepted = Array.from({ length: 256 }, (_, first) => first).filter((first) => {
    try {
      return parseHeader(Uint8Array.of(first, ...rest)).version === 1
    } catch (error) {
      expect(error).toMatchObject({ code: 'unsupported' })
      return false
    }
  })
  expect(accepted).toEqual([0x11, 0x12, 0x13, 0x14, 0x15, 0x16])
})

it('[ENV-9] a header that nobody could read is not written', () => {
  const good = { kind: EnvelopeKind.update, epochIndex: 0, salt, counter: 1 }
  for (const epochIndex of [-1, 0.5, 2 ** 31, Number.NaN]) {
    expect(() => encodeHeader({ ...good, epochIndex })).toThrow(RangeError)
  }
  for (const counter of [0, -1, 1.5, 2 ** 24 + 1, Number.NaN]) {
    expect(() => encodeHeader({ ...good, counter })).toThrow(RangeError)
  }
  expect(() => encodeHeader({ ...good, salt: salt.subarray(1) })).toThrow(RangeError)
})

it('[ENV-23] a relay reads the index of a record of any suite', () => {
  expect(recordPrefix(unhex('010901ac02ffff'))).toEqual({ version: 1, suite: 9, stretch: 1, index: 300, bytes: 5 })
  for (const [bytes, code] of [
    ['', 'malformed'],
    ['0101', 'malformed'],
    ['010100', 'malformed'],
    ['02010000', 'unsupported'],
    ['0101008000', 'malformed'],
  ] as const) {
    expect(() => recordPrefix(unhex(bytes)), bytes).toThrow(expect.objectContaining({ code }))
  }
})
