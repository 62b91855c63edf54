import { fileURLToPath } from 'node:url'
import * as prng from 'lib0/prng'
import { describe, expect, it, test } from 'vitest'
import * as Y from 'yjs'
import { difference } from '../../../packages/provider/src/log-state/difference.ts'
import { causalOrder } from '../../replay/causal-order.ts'
import { applyPatches } from '../../replay/patches.ts'
import { readTrace, type Trace } from '../../replay/trace.ts'
import { areEqual } from '../../support/convergence.ts'
import { GuardedReader } from '../../support/guarded-reader.ts'
import { sharedData } from '../../support/shared-data.ts'

/** Long traces are cut, so that this stays a matter of seconds; `npm run replay` plays all of them through real providers. */
const MAX_TRANSACTIONS = 4_000

/** What the authors of a trace send, in the order in which a relay would have got it. */
function updatesOf(trace: Trace): Uint8Array[] {
  const order = causalOrder(trace)
  const desks = Array.from({ length: trace.agents }, (_, agent) => {
    const doc = new Y.Doc()
    doc.clientID = agent + 1
    return { doc, seen: Array<number>(trace.agents).fill(0) }
  })
  const updates: Uint8Array[] = []
  trace.transactions.slice(0, MAX_TRANSACTIONS).forEach(({ agent, patches }, index) => {
    const desk = desks[agent] as (typeof desks)[number]
    const before = order.before[index] ?? []
    const missing = before.flatMap((count, other) => order.chains[other]?.slice(desk.seen[other], count) ?? [])
    for (const each of missing.sort((a, b) => a - b)) Y.applyUpdate(desk.doc, updates[each] as Uint8Array)
    desk.seen = [...before]
    const made: Uint8Array[] = []
    const note = (update: Uint8Array): void => void made.push(update)
    desk.doc.on('update', note)
    desk.doc.transact(() => applyPatches(desk.doc.getText('text'), patches, true))
    desk.doc.off('update', note)
    updates.push(made[0] ?? new Uint8Array([0, 0]))
    desk.seen[agent] = (desk.seen[agent] ?? 0) + 1
  })
  return updates
}

/** All readers of these updates, in whatever pieces: nobody is told anything, and they end alike. */
function expectNoAlarm(updates: readonly Uint8Array[]): GuardedReader {
  const plain = new Y.Doc()
  plain.transact(() => {
    for (const update of updates) Y.applyUpdate(plain, update)
  })
  const reader = new GuardedReader()
  for (let at = 0; at < updates.length; at += 512) reader.take(updates.slice(at, at + 512))
  // Begins with a checkpoint of half of it, and has on its disk what an earlier session left there.
  const half = Math.floor(updates.length / 2)
  const checkpoint = new Y.Doc()
  checkpoint.transact(() => {
    for (const update of updates.slice(0, half)) Y.applyUpdate(checkpoint, update)
  })
  const restored = new Y.Doc()
  Y.applyUpdate(restored, Y.encodeStateAsUpdate(plain))
  for (const other of [new GuardedReader(), new GuardedReader(restored)]) {
    other.take(Y.encodeStateAsUpdate(checkpoint), { sealer: 'checkpoint' })
    for (let at = half; at < updates.length; at += 512) other.take(updates.slice(at, at + 512))
    expect(other.faults).toEqual([])
    expect(areEqual([other.doc, plain])).toBe(true)
  }
  expect(reader.faults).toEqual([])
  expect(areEqual([reader.doc, plain])).toBe(true)
  return reader
}

describe('nobody is told anything of a trace', () => {
  const generated = ['sequential', 'concurrent'].map((name) => ({
    name,
    path: fileURLToPath(new URL(`../../traces/${name}.json.gz`, import.meta.url)),
  }))
  const shared = ['friendsforever.concurrent', 'sveltecomponent', 'automerge-paper'].map((name) => ({
    name,
    path: sharedData(`${name}.json.gz`),
  }))
  test.each(generated)('$name', ({ path }) => {
    const trace = readTrace(path)
    const { doc, logState, text } = expectNoAlarm(updatesOf(trace))
    expect(text).toBe(trace.endContent)
    expect(difference(doc, logState)).toBeUndefined()
  })
  for (const { name, path } of shared) {
    test.skipIf(path === undefined)(
      `${name}, its first ${MAX_TRANSACTIONS} transactions (needs the shared data)`,
      () => {
        expectNoAlarm(updatesOf(readTrace(path ?? '')))
      },
      60_000,
    )
  }
})

describe('nobody is told anything of the random tests of yjs itself', () => {
  it.each([1, 2, 3, 4, 5, 6])('seed %d', async (seed) => {
    // A Yjs of its own: bytes alone come from there.
    const helper = await import('yjs/testHelper')
    const updates: Uint8Array[] = []
    const watched = new Set<unknown>()
    const watch = (user: InstanceType<typeof helper.TestYInstance>): void => {
      if (watched.has(user)) return
      watched.add(user)
      user.on('update', (update: Uint8Array, origin: unknown) => {
        if (!(origin instanceof helper.TestConnector)) updates.push(update)
      })
    }
    type Change = (user: InstanceType<typeof helper.TestYInstance>, gen: prng.PRNG) => void
    const changes: Change[] = [
      (user, gen) => {
        const text = user.getText('text')
        text.insert(prng.int32(gen, 0, text.length), prng.word(gen))
      },
      (user, gen) => {
        const text = user.getText('text')
        if (text.length > 0) text.delete(prng.int32(gen, 0, text.length - 1), 1)
      },
      (user, gen) => {
        const text = user.getText('text')
        text.format(0, text.length, { bold: prng.bool(gen) ? true : null })
      },
      (user, gen) => void user.getMap('map').set(prng.oneOf(gen, ['one', 'two']), prng.utf16String(gen)),
      (user, gen) => {
        const map = new helper.Map()
        user.getMap('map').set(prng.oneOf(gen, ['one', 'two']), map)
        map.set('deep', new helper.Array())
      },
      (user, gen) => user.getMap('map').delete(prng.oneOf(gen, ['one', 'two'])),
      (user, gen) => {
        const array = user.getArray('array')
        array.insert(prng.int32(gen, 0, array.length), [prng.int32(gen, 0, 9), prng.word(gen)])
      },
      (user, gen) => {
        const array = user.getArray('array')
        if (array.length > 2) array.delete(prng.int32(gen, 0, array.length - 2), 2)
      },
    ]
    const watching = changes.map(
      (change): Change =>
        (user, gen) => {
          watch(user)
          change(user, gen)
        },
    )
    helper.applyRandomTests({ prng: prng.create(seed) }, watching, 150)
    expect(updates.length).toBeGreaterThan(75)
    expectNoAlarm(updates)
  })
})
