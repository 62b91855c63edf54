import type { Joined } from '@y-sealed/protocol'
import { expect, it } from 'vitest'
import { compareJoined, type JoinClaim } from '../../../packages/provider/src/session/compare-joined.ts'

const joined: Joined = {
  type: 'joined',
  channel: 1,
  session: 1,
  role: 'write',
  sequence: 5,
  hash: new Uint8Array(8),
  confirmed: true,
  pruned: 0,
  records: [],
}
const here: JoinClaim = { holdsEpoch: true, cursor: 7, showsHeld: false }
const newcomer: JoinClaim = { holdsEpoch: false, cursor: 0, showsHeld: false }
const nothing = { is: 'known' } as const
const newer = { is: 'next', next: [], voids: 0 } as const
const instead = { is: 'next', next: [], voids: 1 } as const

it.each([
  ['a newcomer and a new document', {}, nothing, newcomer, 'open'],
  ['a newcomer, shown epochs', {}, newer, newcomer, 'take'],
  ['the relay confirms what this device has read', {}, nothing, here, 'go-on'],
  ['it confirms it, and shows a later epoch', {}, newer, here, 'take'],
  ['it shows an epoch that stands in place of ours', { confirmed: false }, instead, here, 'take'],
  ['it shows a later epoch, but another log under ours', { confirmed: false }, newer, here, 'take as fork'],
  ['it holds the record, but another log', { confirmed: false }, nothing, here, 'rewind'],
  ['it holds the record and an empty log', { confirmed: false, sequence: 0 }, nothing, here, 'rewind'],
  ['it shows a record that is not ours', { confirmed: false }, { is: 'unlinked' } as const, here, 'hold'],
  ['it shows an older one of ours as its newest', { confirmed: false }, nothing, { ...here, showsHeld: true }, 'hold'],
  ['it shows no record at all', { confirmed: false, sequence: 0, hash: new Uint8Array(0) }, nothing, here, 'hold'],
  ['its records contradict each other', {}, { is: 'wrong', why: 'so' } as const, here, 'distrust'],
])('%s', (_, change, records, claim, expected) => {
  const verdict = compareJoined({ ...joined, ...change }, records, claim)
  expect(verdict.does === 'take' && verdict.isFork ? 'take as fork' : verdict.does).toBe(expected)
})
