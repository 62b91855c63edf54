import { encodeFrame, MAX_PARAMS, MAX_PARAMS_BYTES, ProtocolError, parseUpFrame, type Up } from '@y-sealed/protocol'
import { describe, expect, it } from 'vitest'
import { toHex } from './vectors.ts'

function join(params: Record<string, string>): Up {
  return { type: 'join', channel: 0, room: 'r', token: '', params, cursor: 0, hash: new Uint8Array(0), observe: false }
}

function roundTrip(params: Record<string, string>): Record<string, string> {
  const [message] = parseUpFrame(encodeFrame([join(params)]))
  if (message?.type !== 'join') throw new Error('expected a join')
  return message.params
}

describe('params of a join', () => {
  it('[WIRE-19] are written in one order, whatever order the application had', () => {
    expect(toHex(encodeFrame([join({ b: '2', a: '1' })]))).toBe(toHex(encodeFrame([join({ a: '1', b: '2' })])))
    expect(roundTrip({ b: '2', a: '1' })).toStrictEqual({ a: '1', b: '2' })
  })

  it('[WIRE-19] are in the order of their UTF-8 bytes, which is not that of JavaScript strings', () => {
    const params = { '\u{1f511}': 'astral', '\uffee': 'the last plane-0 letters sort after half a pair' }
    expect(Object.keys(params).sort()[0]).toBe('\u{1f511}')
    expect(Object.keys(roundTrip(params))).toEqual(['\uffee', '\u{1f511}'])
  })

  it('[WIRE-19] called __proto__ or constructor are names like any other, and pollute nothing', () => {
    const params = Object.fromEntries([
      ['__proto__', 'polluted'],
      ['constructor', 'x'],
    ])
    const parsed = roundTrip(params)
    expect(Object.entries(parsed)).toEqual([
      ['__proto__', 'polluted'],
      ['constructor', 'x'],
    ])
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype)
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  it('[WIRE-19] end at 32 pairs and at 8 KiB in all', () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, '']))
    expect(Object.keys(roundTrip(many(MAX_PARAMS)))).toHaveLength(MAX_PARAMS)
    expect(() => encodeFrame([join(many(MAX_PARAMS + 1))])).toThrow(ProtocolError)
    expect(roundTrip({ a: 'x'.repeat(MAX_PARAMS_BYTES - 1) })).toHaveProperty('a')
    expect(() => encodeFrame([join({ a: 'x'.repeat(MAX_PARAMS_BYTES) })])).toThrow(ProtocolError)
  })
})
