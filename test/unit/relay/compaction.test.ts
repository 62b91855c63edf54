import { describe, expect, it } from 'vitest'
import {
  type Compaction,
  type Covered,
  isNamedAtOnce,
  isNamedBy,
  judgeCompaction,
  type SoleAuthor,
  writtenBy,
} from '../../../server/relay/src/log/compaction.ts'
import { type EpochState, type LeaseClaim, takeLease } from '../../../server/relay/src/log/epoch-state.ts'

const [ALICE, BOB] = [1, 2]
const NOW = 1_000
const hash = (fill: number) => new Uint8Array(32).fill(fill)
const head = { index: 3, hash: hash(3) }

const held = (fields: Partial<LeaseClaim> = {}): LeaseClaim => ({
  session: ALICE,
  purpose: 'checkpoint',
  untilUnixMs: NOW + 1,
  ...fields,
})
const state = (lease?: LeaseClaim): EpochState => ({ head, sequence: 9, hash: hash(9), lease, pause: undefined })

describe('whether a checkpoint may be stored', () => {
  const compaction: Compaction = {
    session: ALICE,
    epochIndex: 3,
    sequence: 7,
    hash: hash(7),
    previous: undefined,
  }
  const covered: Covered = { newest: undefined, start: 4, hash: hash(7) }
  const newest = { checkpoint: hash(5), sequence: 6 }

  it.each<[string, Partial<Compaction>, Partial<Covered>, LeaseClaim | undefined, string | undefined]>([
    ['the first of an epoch', {}, {}, held(), undefined],
    ['one that follows the newest', { previous: hash(5) }, { newest }, held(), undefined],
    ['nobody has the lease', {}, {}, undefined, 'busy'],
    ['somebody else has it', {}, {}, held({ session: BOB }), 'busy'],
    ['it is one to rotate', {}, {}, held({ purpose: 'rotate' }), 'busy'],
    ['it has run out', {}, {}, held({ untilUnixMs: NOW }), 'busy'],
    ['another epoch', { epochIndex: 2 }, {}, held(), 'stale-epoch'],
    ['another epoch, and the lease gone with it', { epochIndex: 2 }, {}, undefined, 'stale-epoch'],
    ['another H', { hash: hash(8) }, {}, held(), 'stale-checkpoint'],
    ['no H there', {}, { hash: undefined }, held(), 'stale-checkpoint'],
    ['a newest that is not named', {}, { newest }, held(), 'stale-checkpoint'],
    ['another newest', { previous: hash(6) }, { newest }, held(), 'stale-checkpoint'],
    ['a newest that is not there', { previous: hash(5) }, {}, held(), 'stale-checkpoint'],
    ['where the newest stands', { sequence: 6, previous: hash(5) }, { newest }, held(), 'stale-checkpoint'],
    ['where the epoch begins', { sequence: 4 }, {}, held(), 'stale-checkpoint'],
    ['one entry after that', { sequence: 5 }, {}, held(), undefined],
  ])('%s', (_, change, there, lease, code) => {
    expect(judgeCompaction(state(lease), { ...compaction, ...change }, { ...covered, ...there }, NOW)).toBe(code)
  })
})

describe('a lease for a checkpoint', () => {
  const wish = (session: number, purpose: 'rotate' | 'checkpoint') => ({ session, purpose, head: hash(3), leaseMs: 60 })

  it.each([
    ['checkpoint', 'rotate', true],
    ['checkpoint', 'checkpoint', false],
    ['rotate', 'checkpoint', false],
    ['rotate', 'rotate', false],
  ] as const)('held to %s and wanted to %s is granted: %s', (holds, wants, granted) => {
    const claimed = takeLease(state(held({ purpose: holds })), wish(BOB, wants), NOW)
    expect(claimed.granted).toBe(granted)
    if (claimed.granted) expect(claimed.state.lease).toMatchObject({ session: BOB, purpose: 'rotate' })
  })
})

describe('who alone has written', () => {
  const nobody: SoleAuthor = { subject: undefined, since: 9 }

  it('is whoever appended last, since somebody else did', () => {
    const alice = writtenBy(nobody, 'alice', 9)
    expect(alice).toEqual({ subject: 'alice', since: 9 })
    expect(writtenBy(alice, 'alice', 12)).toBe(alice)
    expect(writtenBy(alice, 'bob', 12)).toEqual({ subject: 'bob', since: 12 })
  })

  it.each([
    ['alice', 9, true],
    ['alice', 10, true],
    ['alice', 8, false],
    ['bob', 9, false],
  ])('%s needs nobody to name a checkpoint after a base at %i: %s', (subject, base, isNamed) => {
    expect(isNamedAtOnce({ subject: 'alice', since: 9 }, subject, base)).toBe(isNamed)
  })

  it('that is not known is nobody, not even who has no name', () => {
    expect(isNamedAtOnce(nobody, '', 9)).toBe(false)
  })
})

describe('a checkpoint of alice, the newest', () => {
  const newest = { checkpoint: hash(5), isNamed: false, subject: 'alice', storedAtUnixMs: NOW }
  const naming = { checkpoint: hash(5), subject: 'bob', aloneMs: 100 }

  it.each([
    ['bob', 0, true],
    ['alice', 100, false],
    ['alice', 101, true],
  ])('counts as named when %s names it %i ms later: %s', (subject, passedMs, isNamed) => {
    expect(isNamedBy(newest, { ...naming, subject }, NOW + passedMs)).toBe(isNamed)
  })

  it('is not named by who names another one, nor a second time', () => {
    expect(isNamedBy(newest, { ...naming, checkpoint: hash(6) }, NOW)).toBe(false)
    expect(isNamedBy({ ...newest, isNamed: true }, naming, NOW)).toBe(false)
  })
})
