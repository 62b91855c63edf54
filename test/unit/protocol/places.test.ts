import {
  type Down,
  encodeFrame,
  type Joined,
  MAX_APPEND_BYTES,
  type Place,
  parseDownFrame,
  parseUpFrame,
  type Up,
} from '@y-sealed/protocol'
import { describe, expect, it } from 'vitest'

const hash = (fill: number): Uint8Array => new Uint8Array(32).fill(fill)
const at = (sequence: number, fields: Partial<Place> = {}): Place => ({
  checkpoint: hash(1),
  sequence,
  hash: hash(2),
  bytes: 9,
  ...fields,
})

describe('the place of a checkpoint', () => {
  const compacted = (place: Place): Down[] => [{ type: 'compacted', channel: 1, request: 0, place }]

  it('[WIRE-33] is its hash, a sequence, H there whole, and what it weighs, in this order', () => {
    const frame = encodeFrame(compacted(at(300)))
    expect(frame).toStrictEqual(Uint8Array.of(0x55, 69, 1, 0, ...hash(1), 0xac, 2, ...hash(2), 9))
    expect(parseDownFrame(frame)).toStrictEqual(compacted(at(300)))
  })

  it('[WIRE-33] may be the start of a document, and weighs a byte to 64 MiB', () => {
    for (const place of [at(0), at(1, { bytes: 1 }), at(1, { bytes: MAX_APPEND_BYTES })]) {
      expect(parseDownFrame(encodeFrame(compacted(place)))).toStrictEqual(compacted(place))
    }
    for (const [code, fields] of [
      ['limit', { bytes: MAX_APPEND_BYTES + 1 }],
      ['malformed', { bytes: 0 }],
      ['malformed', { hash: new Uint8Array(8) }],
      ['malformed', { checkpoint: new Uint8Array(31) }],
    ] as const) {
      expect(() => encodeFrame(compacted(at(1, fields)))).toThrow(expect.objectContaining({ code }))
    }
  })
})

describe('where a log can be joined', () => {
  const joined = (fields: Partial<Joined>): Down[] => [
    {
      type: 'joined',
      channel: 1,
      session: 1,
      role: 'write',
      sequence: 9,
      hash: new Uint8Array(8),
      confirmed: false,
      pruned: 0,
      records: [],
      ...fields,
    },
  ]

  it.each([
    ['no checkpoint', {}],
    ['a base that is the newest', { newest: at(5), base: at(5), pruned: 5 }],
    ['a base before the newest', { newest: at(5), base: at(3), pruned: 3 }],
    ['a newest in an epoch that began empty', { newest: at(5) }],
  ])('[WIRE-34] with %s', (_, fields) => {
    expect(parseDownFrame(encodeFrame(joined(fields)))).toStrictEqual(joined(fields))
  })

  it.each([
    ['a base without a newest', { base: at(5) }],
    ['a base after the newest', { newest: at(4), base: at(5) }],
  ])('[WIRE-34] and not with %s', (_, fields) => {
    expect(() => encodeFrame(joined(fields))).toThrow(expect.objectContaining({ code: 'malformed' }))
  })
})

describe('the checkpoints of an epoch', () => {
  const listed = (places: Place[]): Down[] => [{ type: 'checkpoints', channel: 1, request: 1, places }]

  it('[WIRE-35] stand in the order of what they cover, none beside another, at most 1,024', () => {
    for (const places of [[], [at(0)], [at(0), at(1), at(7)]]) {
      expect(parseDownFrame(encodeFrame(listed(places)))).toStrictEqual(listed(places))
    }
    for (const places of [
      [at(1), at(0)],
      [at(0), at(0)],
      [at(0), at(2), at(2)],
    ]) {
      expect(() => encodeFrame(listed(places))).toThrow(expect.objectContaining({ code: 'malformed' }))
    }
    const many = Array.from({ length: 1_024 }, (_, sequence) => at(sequence))
    expect(parseDownFrame(encodeFrame(listed(many)))).toHaveLength(1)
    expect(() => encodeFrame(listed([...many, at(1_024)]))).toThrow(expect.objectContaining({ code: 'limit' }))
  })

  it('[WIRE-20] question and answer have one name, and are told apart by their ids', () => {
    const question: Up[] = [{ type: 'checkpoints', channel: 1, request: 1, record: hash(3) }]
    expect(parseUpFrame(encodeFrame(question))).toStrictEqual(question)
    expect([encodeFrame(question)[0], encodeFrame(listed([]))[0]]).toEqual([0x1f, 0x56])
  })
})
