import { randomBytes } from 'node:crypto'
import { leafHash, nextHash } from '@y-sealed/protocol'
import { beforeEach, expect, it } from 'vitest'
import { JournalRow, runsOfRow } from '../../../server/relay/src/log/journal-row.ts'
import type { NewRun } from '../../../server/relay/src/log/log-store.ts'
import { encodeRunBody } from '../../../server/relay/src/log/run-body.ts'
import { Tail } from '../../../server/relay/src/log/tail.ts'
import type { SaltClaim } from '../../../server/relay/src/log/tail-salts.ts'

const [ALICE, BOB] = [
  { session: 1, subject: 'alice' },
  { session: 2, subject: 'bob' },
]
const H = new Uint8Array(32).fill(1)
const [used, fresh] = [salt(), salt()]

function salt(): Uint8Array {
  return new Uint8Array(randomBytes(16))
}

function run(salt: Uint8Array, firstCounter: number, envelopeBytes = 50): NewRun {
  const entry = { proof: new Uint8Array(0), envelope: new Uint8Array(randomBytes(envelopeBytes)) }
  const leaves = [leafHash(entry.proof, entry.envelope)]
  return { epochIndex: 3, salt, firstCounter, count: 1, body: encodeRunBody([entry]), leaves }
}

let tail: Tail

beforeEach(() => {
  const head = { index: 3, hash: H }
  const state = { head, sequence: 7, hash: H, lease: undefined, pause: undefined }
  const claims = new Map<Uint8Array, SaltClaim>([[used, { session: ALICE.session, counter: 4 }]])
  tail = new Tail({ state, sole: { subject: 'alice', since: 2 } }, (one) => claims.get(one))
})

it('goes on with sequence, H and counters where the tables end, and says what they lack', () => {
  const [a, b, c] = [run(used, 5), run(fresh, 1), run(used, 6)]
  expect(tail.append(ALICE, [a])).toMatchObject({ sequence: 8, runs: [{ first: 8, hashBefore: H, body: a.body }] })
  tail.append(BOB, [b])
  tail.append(ALICE, [c])
  const hashes: Uint8Array[] = [H]
  for (const { leaves } of [a, b, c]) hashes.push(nextHash(hashes.at(-1)!, leaves[0]!))
  expect(tail.state).toMatchObject({ sequence: 10, hash: hashes[3], head: { index: 3 } })
  expect(tail.sole).toEqual({ subject: 'alice', since: 9 })
  expect([...tail.runs]).toEqual(
    [a, b, c].map(({ body, count }, i) => ({ first: 8 + i, count, epochIndex: 3, hashBefore: hashes[i], body })),
  )
  expect([...tail.salts.taken()]).toEqual([
    { salt: used, session: 1, firstCounter: 5, count: 2, lastSequence: 10 },
    { salt: fresh, session: 2, firstCounter: 1, count: 1, lastSequence: 9 },
  ])
})

it.each([
  ["another session's salt", BOB, [run(fresh, 1), run(used, 5)]],
  ['a counter left out', ALICE, [run(used, 5), run(fresh, 1), run(used, 7)]],
  ['a counter again', ALICE, [run(used, 5), run(used, 6), run(used, 6)]],
])('an append with %s changes nothing, and each salt is as it was', (_, author, runs) => {
  expect(tail.append(author, runs)).toBeUndefined()
  expect(tail.state).toMatchObject({ sequence: 7, hash: H })
  expect([...tail.runs]).toEqual([])
  expect([...tail.salts.taken()]).toEqual([])
  expect(tail.append(ALICE, [run(used, 5), run(fresh, 1)])).toMatchObject({ sequence: 9 })
})

it('salts that begin alike are different salts', () => {
  const alike = fresh.map((byte, index) => (index < 8 ? byte : byte ^ 1))
  expect(tail.append(ALICE, [run(fresh, 1)])).toBeDefined()
  expect(tail.append(BOB, [run(alike, 1)])).toBeDefined()
  expect(tail.append(BOB, [run(fresh, 2)])).toBeUndefined()
})

it('a row of the journal gives back what was put into it, of any size, and is empty for the next commit', () => {
  const row = new JournalRow()
  for (const sizes of [[1], [1, 40_000, 100], []]) {
    expect(row.isEmpty).toBe(true)
    const runs = sizes.map((size, i) => {
      const { leaves: _, ...one } = run(salt(), 2 ** 24, size)
      return { ...one, document: 2 ** 40, session: 2 ** 48 - 1, subject: `✓${i}`, first: 2 ** 53 - 1, hash: H }
    })
    for (const one of runs) row.add(one, one)
    expect([...runsOfRow(row.take())]).toEqual(runs)
  }
})
