import { describe, expect, it } from 'vitest'
import {
  appended,
  type EpochState,
  judgeAppend,
  judgeOpen,
  type LeaseClaim,
  opened,
  type PauseClaim,
  released,
  renewed,
  takeLease,
  takePause,
} from '../../../server/relay/src/log/epoch-state.ts'

const [ALICE, BOB] = [1, 2]
const NOW = 1_000
const LEASE_MS = 60
const PAUSE_MS = 5
const AGAIN_MS = 30

// The rules only compare hashes: a byte does for 32.
const HEAD = Uint8Array.of(1)
const H = Uint8Array.of(2)
const OTHER = Uint8Array.of(9)

const leased = (fields: Partial<LeaseClaim> = {}): LeaseClaim => {
  return { session: ALICE, purpose: 'rotate', untilUnixMs: NOW + 1, ...fields }
}
const paused = (fields: Partial<PauseClaim> = {}): PauseClaim => {
  return { session: ALICE, untilUnixMs: NOW + 1, againAtUnixMs: NOW + 1 + AGAIN_MS, ...fields }
}
const at = (fields: Partial<EpochState> = {}): EpochState => {
  return { head: { index: 3, hash: HEAD }, sequence: 7, hash: H, lease: undefined, pause: undefined, ...fields }
}

/** The same object, frozen all through: a rule that changes its state instead of returning another fails. */
function frozen(state: EpochState): EpochState {
  for (const part of [state.head, state.lease, state.pause]) if (part) Object.freeze(part)
  return Object.freeze(state)
}

describe('an append', () => {
  it.each([
    ['of the head epoch is stored', at(), [3, 3], undefined],
    ['of an older epoch is stale', at(), [2], 'stale-epoch'],
    ['of a later epoch is stale', at(), [4], 'stale-epoch'],
    ['in part of another epoch is stale as a whole', at(), [3, 2], 'stale-epoch'],
    ['while somebody has the lease is stored', at({ lease: leased() }), [3], undefined],
    ['waits for the pause', at({ lease: leased(), pause: paused() }), [3], 'paused'],
    ['waits for the pause also where the lease has run out', at({ pause: paused() }), [3], 'paused'],
    ['of another epoch does not wait for it', at({ pause: paused() }), [2], 'stale-epoch'],
    ['is stored from the moment at which the pause ends', at({ pause: paused({ untilUnixMs: NOW }) }), [3], undefined],
  ] as const)('%s', (_, state, epochs, expected) => {
    const runs = epochs.map((epochIndex) => ({ epochIndex }))
    expect(judgeAppend(frozen(state), runs, NOW)).toBe(expected)
  })

  it('moves sequence and H, and leaves head, lease and pause as they are', () => {
    const state = frozen(at({ lease: leased(), pause: paused() }))
    expect(appended(state, 3, OTHER)).toEqual({ ...state, sequence: 10, hash: OTHER })
  })
})

describe('opening an epoch', () => {
  const replaces = { record: HEAD, sequence: 7, hash: H }
  const opening = { session: ALICE, record: { index: 4 }, replaces }
  const first = { ...opening, replaces: undefined }

  it.each([
    ['the first needs no lease', undefined, first, undefined],
    ['the first may have any index', undefined, { ...first, record: { index: 9 } }, undefined],
    ['that names a head where there is none is stale', undefined, opening, 'stale-epoch'],
    ['that names no head where there is one is stale', at({ lease: leased() }), first, 'stale-epoch'],
    ['by the holder of the lease', at({ lease: leased() }), opening, undefined],
    ['during its pause', at({ lease: leased(), pause: paused() }), opening, undefined],
    ['needs no pause', at({ lease: leased(), pause: paused({ untilUnixMs: 0 }) }), opening, undefined],
    ['without a lease', at(), opening, 'busy'],
    ["under somebody else's lease", at({ lease: leased({ session: BOB }) }), opening, 'busy'],
    ['under a lease for a checkpoint', at({ lease: leased({ purpose: 'checkpoint' }) }), opening, 'busy'],
    ['at the moment at which its lease ends', at({ lease: leased({ untilUnixMs: NOW }) }), opening, 'busy'],
    ['another head', at({ lease: leased(), head: { index: 3, hash: OTHER } }), opening, 'stale-epoch'],
    ['another head is told before the lease', at({ head: { index: 3, hash: OTHER } }), opening, 'stale-epoch'],
    ['an entry more', at({ lease: leased(), sequence: 8 }), opening, 'stale-epoch'],
    ['an entry less', at({ lease: leased(), sequence: 6 }), opening, 'stale-epoch'],
    ['the same sequence with another H', at({ lease: leased(), hash: OTHER }), opening, 'stale-epoch'],
    ['the same index', at({ lease: leased() }), { ...opening, record: { index: 3 } }, 'malformed'],
    ['a lower index', at({ lease: leased() }), { ...opening, record: { index: 2 } }, 'malformed'],
    ['an index that leaves some out', at({ lease: leased() }), { ...opening, record: { index: 9 } }, undefined],
  ] as const)('%s', (_, state, wish, expected) => {
    expect(judgeOpen(state && frozen(state), wish, NOW)).toBe(expected)
  })

  it('begins H anew, keeps the sequence and ends lease and pause, also how long the last one has to wait', () => {
    const state = frozen(at({ lease: leased(), pause: paused() }))
    expect(opened(state, { index: 4, hash: OTHER }, H)).toEqual(at({ head: { index: 4, hash: OTHER } }))
  })

  it('of a document that has none begins at sequence 0', () => {
    expect(opened(undefined, { index: 0, hash: HEAD }, H)).toEqual(at({ head: { index: 0, hash: HEAD }, sequence: 0 }))
  })
})

describe('a lease', () => {
  const wish = { session: ALICE, purpose: 'rotate', head: HEAD, leaseMs: LEASE_MS } as const
  const granted = leased({ untilUnixMs: NOW + LEASE_MS })
  const ended = paused({ untilUnixMs: 0 })

  it.each([
    ['nobody has it', at(), granted],
    ['its holder takes it anew', at({ lease: leased() }), granted],
    ['its holder takes it for something else', at({ lease: leased({ purpose: 'checkpoint' }) }), granted],
    ['it has just run out', at({ lease: leased({ session: BOB, untilUnixMs: NOW }) }), granted],
    ['somebody else has it', at({ lease: leased({ session: BOB }) }), 'busy'],
    ['the head is another', at({ head: { index: 3, hash: OTHER } }), 'stale-epoch'],
    [
      'the head is another, and somebody has it',
      at({ head: { index: 3, hash: OTHER }, lease: leased({ session: BOB }) }),
      'stale-epoch',
    ],
  ] as const)('%s', (_, state, expected) => {
    const claimed = takeLease(frozen(state), wish, NOW)
    if (typeof expected === 'string') expect(claimed).toEqual({ granted: false, code: expected })
    else expect(claimed).toEqual({ granted: true, state: { ...state, lease: expected } })
  })

  it.each([
    ['its own', ALICE],
    ['that of a session whose lease ran out', BOB],
  ])('ends the pause that it finds, %s, and forgets nobody who has to wait', (_, session) => {
    const state = frozen(at({ lease: leased({ session, untilUnixMs: NOW }), pause: paused({ session }) }))
    expect(takeLease(state, wish, NOW)).toEqual({
      granted: true,
      state: at({ lease: granted, pause: { ...ended, session } }),
    })
  })

  it.each([
    ['its holder begins anew', leased(), leased({ untilUnixMs: NOW + LEASE_MS })],
    [
      'for what it was',
      leased({ purpose: 'checkpoint' }),
      leased({ purpose: 'checkpoint', untilUnixMs: NOW + LEASE_MS }),
    ],
    ['that has run out is not renewed', leased({ untilUnixMs: NOW }), undefined],
    ['of somebody else is not renewed', leased({ session: BOB }), undefined],
    ['that nobody has is not renewed', undefined, undefined],
  ])('%s', (_, lease, expected) => {
    const state = frozen(at({ lease, pause: paused() }))
    expect(renewed(state, { session: ALICE, leaseMs: LEASE_MS }, NOW)).toEqual(
      expected && { ...state, lease: expected },
    )
  })

  it.each([
    ['and its pause end with release', leased(), at({ pause: ended })],
    ['that has run out, and a pause that has not, too', leased({ untilUnixMs: NOW }), at({ pause: ended })],
    ['for a checkpoint, too', leased({ purpose: 'checkpoint' }), at({ pause: ended })],
  ])('%s', (_, lease, expected) => {
    expect(released(frozen(at({ lease, pause: paused() })), ALICE)).toEqual(expected)
  })

  it('stays as it is where a session releases what it has not', () => {
    for (const lease of [leased({ session: BOB }), undefined]) {
      const state = frozen(at({ lease, pause: paused({ session: BOB }) }))
      expect(released(state, ALICE)).toBe(state)
    }
  })
})

describe('a pause', () => {
  const wish = { session: ALICE, pauseMs: PAUSE_MS, againMs: AGAIN_MS }
  const granted = paused({ untilUnixMs: NOW + PAUSE_MS, againAtUnixMs: NOW + PAUSE_MS + AGAIN_MS })
  const lease = leased()
  const before = (againAtUnixMs: number) => paused({ untilUnixMs: 0, againAtUnixMs })

  it.each([
    ['of the holder of the lease', at({ lease }), granted],
    ['without a lease', at(), 'busy'],
    ["under somebody else's", at({ lease: leased({ session: BOB }) }), 'busy'],
    ['under one for a checkpoint', at({ lease: leased({ purpose: 'checkpoint' }) }), 'busy'],
    ['under one that has just run out', at({ lease: leased({ untilUnixMs: NOW }) }), 'busy'],
    ['while its own lasts', at({ lease, pause: paused() }), 'limit'],
    ['too soon after its own', at({ lease, pause: before(NOW + 1) }), 'limit'],
    ['late enough after its own', at({ lease, pause: before(NOW) }), granted],
    ["soon after somebody else's", at({ lease, pause: { ...before(NOW + 1), session: BOB } }), granted],
  ] as const)('%s', (_, state, expected) => {
    const claimed = takePause(frozen(state), wish, NOW)
    if (typeof expected === 'string') expect(claimed).toEqual({ granted: false, code: expected })
    else expect(claimed).toEqual({ granted: true, state: { ...state, pause: expected } })
  })
})

it('one rotation, from lease to the first entry of the next epoch', () => {
  let state = frozen(opened(undefined, { index: 0, hash: HEAD }, H))
  const steps: (() => EpochState | string)[] = [
    () => judgeAppend(state, [{ epochIndex: 0 }], NOW) ?? appended(state, 2, Uint8Array.of(3)),
    () => stateOf(takeLease(state, { session: ALICE, purpose: 'rotate', head: HEAD, leaseMs: LEASE_MS }, NOW)),
    () => judgeAppend(state, [{ epochIndex: 0 }], NOW) ?? appended(state, 1, Uint8Array.of(4)),
    () => stateOf(takePause(state, { session: ALICE, pauseMs: PAUSE_MS, againMs: AGAIN_MS }, NOW)),
    () => judgeAppend(state, [{ epochIndex: 0 }], NOW) ?? 'stored',
    () => {
      const replaces = { record: HEAD, sequence: 3, hash: Uint8Array.of(4) }
      const refusal = judgeOpen(state, { session: ALICE, record: { index: 1 }, replaces }, NOW)
      return refusal ?? opened(state, { index: 1, hash: OTHER }, Uint8Array.of(5))
    },
    () => judgeAppend(state, [{ epochIndex: 0 }], NOW) ?? 'stored',
    () => judgeAppend(state, [{ epochIndex: 1 }], NOW) ?? appended(state, 1, Uint8Array.of(6)),
  ]
  const refusals = steps.map((step) => {
    const result = step()
    if (typeof result === 'string') return result
    state = frozen(result)
    return ''
  })
  expect(refusals).toEqual(['', '', '', '', 'paused', '', 'stale-epoch', ''])
  expect(state).toEqual(at({ head: { index: 1, hash: OTHER }, sequence: 4, hash: Uint8Array.of(6) }))
})

function stateOf(claimed: ReturnType<typeof takeLease> | ReturnType<typeof takePause>): EpochState | string {
  return claimed.granted ? claimed.state : claimed.code
}
