import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest'
import * as Y from 'yjs'
import { areEqual, untilEqual } from '../support/convergence.ts'
import { patiently } from '../support/events.ts'
import { below, pick, seededRandom } from '../support/random.ts'
import { synced } from '../support/steps.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// Five people write and delete, three of them make checkpoints whenever they like, and the relay drops at once whatever it may: no character and no
// deletion is lost (races M8 and M9, attacks D10).

/** `Y_SEALED_SEEDS=100 npx vitest run test/scenario/compaction-property.test.ts` plays a hundred; two are what `npm test` has time for. */
const seeds = Array.from({ length: Number(process.env.Y_SEALED_SEEDS ?? 2) }, (_, i) => `seed ${i + 1}`)
const STEPS = 400
const WRITERS = ['Ada', 'Bob', 'Cem', 'Dia', 'Eve']
const COMPACTORS = 3

let world: World
beforeEach(async () => {
  // No grace for readers: who comes too late for a stretch of the log begins anew.
  world = await startWorld({ data: 'disk', retention: 'head', relayLimits: { pruneGraceMs: 0, sweepMs: 20 } })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await world.close()
})

/** Of all seeds: who writes alone for a while needs nobody to vouch for it. */
let named = 0
afterAll(() => expect(named).toBeGreaterThan(0))

interface Deeds {
  compactions: number
  newcomers: number
  cuts: number
}

function edit(random: () => number, { doc, text }: Person): void {
  const notes = doc.getMap('notes')
  const act = below(random, 10)
  if (act < 5 || text.length < 20) text.insert(below(random, text.length + 1), `w${below(random, 1_000)} `)
  else if (act < 8) text.delete(below(random, text.length - 5), 1 + below(random, 5))
  else if (act === 8) notes.set(`note ${below(random, 5)}`, below(random, 1_000))
  else notes.delete(`note ${below(random, 5)}`)
}

async function play(seed: string): Promise<{ people: Person[]; deeds: Deeds }> {
  const random = seededRandom(seed)
  // Lots are drawn within a second instead of a minute.
  const lots = seededRandom(`${seed} lots`)
  vi.spyOn(Math, 'random').mockImplementation(() => lots() / 60)
  const people: Person[] = []
  for (const name of WRITERS) people.push(await world.joined(name))
  const deeds: Deeds = { compactions: 0, newcomers: 0, cuts: 0 }
  const compacting: Promise<unknown>[] = []
  for (let step = 0; step < STEPS; step++) {
    edit(random, pick(random, people))
    const chance = below(random, 100)
    if (chance < 8) {
      deeds.compactions++
      compacting.push(pick(random, people.slice(0, COMPACTORS)).provider.compact())
    } else if (chance < 10) {
      deeds.cuts++
      pick(random, people).wire.cut()
    } else if (chance < 12) {
      deeds.newcomers++
      const newcomer = await world.joined(`newcomer ${step}`)
      edit(random, newcomer)
      await patiently(newcomer.provider.flush(), 'a newcomer to be heard')
      newcomer.provider.destroy()
    }
    // The network and the relay get their turns in between, more or less of them.
    for (let turns = below(random, 12); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve))
  }
  for (const person of people) {
    await synced(person)
    await patiently(person.provider.flush(), `${person.name} to be heard`)
  }
  await patiently(Promise.all(compacting), 'every checkpoint that somebody wished for')
  return { people, deeds }
}

test.each(seeds)(
  'D10: five writers and three compactors, and a relay that drops at once: %s',
  async (seed) => {
    const { people, deeds } = await play(seed)
    await untilEqual(people.map(({ doc }) => doc))
    const reader = await world.joined('a cold reader')
    await untilEqual([reader.doc, ...people.map(({ doc }) => doc)], 'the cold reader to have everything')
    const whole = Y.encodeStateAsUpdate(reader.doc)
    for (const { provider } of [...people, reader]) provider.destroy()

    // Nobody is there any more who could bring back what the relay has not.
    const stranger = await world.joined('somebody who comes when all are gone')
    expect(areEqual([stranger.doc, reader.doc])).toBe(true)
    expect(stranger.text.toString()).toBe(reader.text.toString())
    expect(whole.length).toBeGreaterThan(0)

    // Something has happened, and was promised.
    const count = (name: string) => people.reduce((sum, { provider }) => sum + (provider.counters[name] ?? 0), 0)
    expect(deeds.compactions).toBeGreaterThan(10)
    expect(deeds.newcomers * deeds.cuts).toBeGreaterThan(0)
    expect(count('checkpoints-made')).toBeGreaterThan(1)
    named += count('checkpoints-named')
    const { entries, historyEntries } = await world.usage()
    expect(entries + historyEntries).toBeLessThan(STEPS)
  },
  120_000,
)
