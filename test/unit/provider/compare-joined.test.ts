import type { Joined } from '@y-sealed/protocol'
import { expect, it } from 'vitest'
import { compareJoined } from '../../../packages/provider/src/session/compare-joined.ts'

const joined: Joined = {
  type: 'joined',
  channel: 1,
  session: 1,
  role: 'write',
  sequence: 5,
  hash: new Uint8Array(8),
  confirmed: true,
  records: [],
}
const record = new Uint8Array(252)

it.each([
  ['the relay confirms what this device has read', {}, 'go-on'],
  ['it confirms it, and shows a later record', { records: [record] }, 'halt stale-epoch'],
  ['it holds the record, but another log', { confirmed: false }, 'rewind'],
  ['it holds the record and an empty log', { confirmed: false, sequence: 0 }, 'rewind'],
  ['it shows a record that is not ours', { confirmed: false, records: [record] }, 'halt rollback'],
  ['it shows no record at all', { confirmed: false, sequence: 0, hash: new Uint8Array(0) }, 'halt rollback'],
])('%s', (_, change, expected) => {
  const verdict = compareJoined({ ...joined, ...change }, 7)
  expect(verdict.does === 'halt' ? `halt ${verdict.code}` : verdict.does).toBe(expected)
})
