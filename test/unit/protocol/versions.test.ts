import {
  closeAction,
  closeReasonFor,
  closeReasons,
  DEFAULT_LIMITS,
  encodeFrame,
  MAX_REASON_BYTES,
  MIN_PROTOCOL_VERSION,
  negotiateVersion,
  PROTOCOL_VERSION,
  ProtocolError,
  parseDownFrame,
  parseUpFrame,
  refusalCodes,
} from '@y-sealed/protocol'
import { describe, expect, it } from 'vitest'
import { fromHex, toHex } from './vectors.ts'

describe('versions', () => {
  it('[WIRE-12] hello begins with the same bytes in every version', () => {
    const frame = encodeFrame([{ type: 'hello', minVersion: 3, maxVersion: 200, agent: 'x' }])
    expect(toHex(frame)).toBe(`100d${toHex(new TextEncoder().encode('y-sealed'))}03c8010178`)
    expect(parseUpFrame(frame)).toStrictEqual([{ type: 'hello', minVersion: 3, maxVersion: 200, agent: 'x' }])
  })

  it.each([
    ['both speak only version 1', { minVersion: 1, maxVersion: 1 }, { minVersion: 1, maxVersion: 1 }, 1],
    ['a newer client comes down', { minVersion: 1, maxVersion: 4 }, { minVersion: 1, maxVersion: 2 }, 2],
    ['an older client is met', { minVersion: 1, maxVersion: 2 }, { minVersion: 2, maxVersion: 4 }, 2],
    ['a client is too old', { minVersion: 1, maxVersion: 2 }, { minVersion: 3, maxVersion: 4 }, undefined],
    ['a client is too new', { minVersion: 5, maxVersion: 6 }, { minVersion: 3, maxVersion: 4 }, undefined],
  ])('[WIRE-13] %s', (_, theirs, ours, version) => {
    expect(negotiateVersion(theirs, ours)).toBe(version)
    expect(negotiateVersion(ours, theirs)).toBe(version)
  })

  it('[WIRE-13] this code speaks its own version', () => {
    expect(MIN_PROTOCOL_VERSION).toBeLessThanOrEqual(PROTOCOL_VERSION)
    expect(negotiateVersion({ minVersion: 1, maxVersion: 1_000 })).toBe(PROTOCOL_VERSION)
  })

  it('[WIRE-14] a relay without a common version names its range in bytes that every client can read', () => {
    expect(parseDownFrame(fromHex('41020305'))).toStrictEqual([{ type: 'incompatible', minVersion: 3, maxVersion: 5 }])
    expect(closeReasons['update-required']).toMatchObject({ code: 4426, action: 'stop' })
  })

  it('[WIRE-17] a relay may allow less than the protocol, never more', () => {
    const welcome = (limits: object) =>
      encodeFrame([{ type: 'welcome', version: 1, limits: { ...DEFAULT_LIMITS, ...limits } }])
    expect(parseDownFrame(welcome({ maxChannels: 1 }))).toStrictEqual([
      { type: 'welcome', version: 1, limits: { ...DEFAULT_LIMITS, maxChannels: 1 } },
    ])
    expect(() => welcome({ maxChannels: 101 })).toThrow(ProtocolError)
    expect(() => welcome({ maxFrameEnvelopeBytes: 100 })).toThrow(ProtocolError)
  })
})

describe('how a connection ends', () => {
  it.each([
    [1000, 'retry'],
    [1001, 'retry'],
    [1006, 'retry'],
    [1009, 'stop'],
    [1013, 'retry'],
    [4400, 'stop'],
    [4401, 'reauthorise'],
    [4403, 'stop'],
    [4404, 'stop'],
    [4408, 'retry'],
    [4413, 'stop'],
    [4426, 'stop'],
    [4499, 'stop'],
    [4500, 'retry'],
    [4503, 'retry'],
    [4599, 'retry'],
  ])('[WIRE-25] after %i a client does: %s', (code, action) => {
    expect(closeAction(code)).toBe(action)
  })

  it('[WIRE-25] no two reasons share a code, and each can be said in a close frame', () => {
    const reasons = Object.values(closeReasons)
    expect(new Set(reasons.map(({ code }) => code)).size).toBe(reasons.length)
    for (const { meaning } of reasons)
      expect(new TextEncoder().encode(meaning).length).toBeLessThanOrEqual(MAX_REASON_BYTES)
  })

  it.each([
    ['malformed', 4400],
    ['unsupported', 4400],
    ['limit', 4413],
  ] as const)('[WIRE-26] a frame that is %s ends the connection with %i', (code, closeCode) => {
    expect(closeReasonFor(new ProtocolError(code, '')).code).toBe(closeCode)
  })

  it('[WIRE-24] refusal codes keep their numbers', () => {
    expect(refusalCodes).toEqual([
      'stale-epoch',
      'paused',
      'out-of-order',
      'limit',
      'write-denied',
      'malformed',
      'unknown-channel',
      'internal',
      'busy',
      'unknown',
      'stale-checkpoint',
      'pruned',
    ])
    for (const [place, code] of refusalCodes.entries()) {
      const frame = encodeFrame([{ type: 'refused', channel: 1, request: 2, code, detail: '' }])
      expect(toHex(frame)).toBe(`49050102${toHex(Uint8Array.of(place))}0000`)
    }
  })
})
