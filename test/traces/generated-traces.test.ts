import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { causalOrder } from '../replay/causal-order.ts'
import { applyPatches } from '../replay/patches.ts'
import { countEdits, parseTrace, readTrace, type Trace } from '../replay/trace.ts'
import { sharedData } from '../support/shared-data.ts'
import { EDITS, generateConcurrent, generateSequential } from './generate.ts'

const path = (name: string): string => fileURLToPath(new URL(`${name}.json.gz`, import.meta.url))

const kinds = [
  { name: 'sequential', generate: generateSequential },
  { name: 'concurrent', generate: generateConcurrent },
] as const

describe.each(kinds)('the generated $name trace', ({ name, generate }) => {
  test('is what its seed makes, to the last character', () => {
    const made = generate()
    if (process.env.WRITE_TRACES === '1') writeFileSync(path(name), gzipSync(JSON.stringify(made), { level: 9 }))
    expect(readTrace(path(name))).toEqual(parseTrace(made))
  })

  test('has 2,000 edits with deletes, replacements and characters of two UTF-16 units', () => {
    const trace = readTrace(path(name))
    const patches = trace.transactions.flatMap((transaction) => transaction.patches)
    expect(countEdits(trace)).toBe(EDITS)
    expect(patches.some(([, deleted, insert]) => deleted > 1 && insert === '')).toBe(true)
    expect(patches.some(([, deleted, insert]) => deleted > 0 && insert !== '')).toBe(true)
    expect(trace.endContent).toMatch(/[\u{10000}-\u{10ffff}]/u)
    expect(Buffer.from(trace.endContent, 'utf8').toString('utf8')).toBe(trace.endContent)
  })

  test('is replayed to its endContent by plain Yjs', () => {
    const trace = readTrace(path(name))
    expect(replayWithYjs(trace)).toBe(trace.endContent)
  })
})

test('the concurrent trace has three authors, merges, and edits of two people to the same stretch', () => {
  const trace = readTrace(path('concurrent'))
  const merges = trace.transactions.filter(({ parents }) => parents.length > 1)
  expect(trace.agents).toBe(3)
  expect(new Set(trace.transactions.map(({ agent }) => agent)).size).toBe(3)
  expect(merges.length).toBeGreaterThan(50)
})

test('the order of client ids decides: with ids that fall, the concurrent trace ends in another text', () => {
  const trace = readTrace(path('concurrent'))
  expect(replayWithYjs(trace, (agent) => 100 - agent)).not.toBe(trace.endContent)
})

const realTrace = sharedData('friendsforever.concurrent.json.gz')
test.skipIf(realTrace === undefined)(
  'a recorded history of two real writers is replayed the same way (needs the shared data)',
  () => {
    const trace = readTrace(realTrace ?? '')
    expect(replayWithYjs(trace)).toBe(trace.endContent)
  },
)

/** No provider, no relay: each author's desk gets the very updates its transaction's parents had seen, and no others. */
function replayWithYjs(trace: Trace, clientId = (agent: number): number => agent + 1): string {
  const order = causalOrder(trace)
  const desks = Array.from({ length: trace.agents }, (_, agent) => {
    const doc = new Y.Doc()
    doc.clientID = clientId(agent)
    return { doc, seen: Array<number>(trace.agents).fill(0) }
  })
  const updates: Uint8Array[] = []
  const deliver = (desk: (typeof desks)[number], seen: readonly number[]): void => {
    const missing = seen.flatMap((count, agent) => order.chains[agent]?.slice(desk.seen[agent], count) ?? [])
    // Parents have smaller indexes than their children, so ascending order never leaves Yjs waiting.
    for (const index of missing.sort((a, b) => a - b)) Y.applyUpdate(desk.doc, updates[index] as Uint8Array)
    desk.seen = [...seen]
  }
  trace.transactions.forEach(({ agent, patches }, index) => {
    const desk = desks[agent] as (typeof desks)[number]
    deliver(desk, order.before[index] ?? [])
    const made: Uint8Array[] = []
    const note = (update: Uint8Array): void => void made.push(update)
    desk.doc.on('update', note)
    desk.doc.transact(() => applyPatches(desk.doc.getText('text'), patches, true))
    desk.doc.off('update', note)
    updates.push(made[0] ?? new Uint8Array([0, 0]))
    desk.seen[agent] = (desk.seen[agent] ?? 0) + 1
  })
  const reader = desks[0] as (typeof desks)[number]
  deliver(
    reader,
    order.chains.map((chain) => chain.length),
  )
  return reader.doc.getText('text').toString()
}
