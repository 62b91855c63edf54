import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Cluster, skipClusterTests, startCluster } from '../support/cluster.ts'
import { untilEqual } from '../support/convergence.ts'
import { patiently, untilTrue } from '../support/events.ts'
import { settle } from '../support/fake-clock.ts'
import { below, pick, seededRandom } from '../support/random.ts'
import { type Person, startWorld } from '../support/world.ts'

// Three relays as processes. What is hit: a relay, by kill -9; Redis, by kill -9; every connection to PostgreSQL.

const STEPS = 240

describe.skipIf(skipClusterTests)('three relays, hit while people type', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startCluster()
  })
  afterAll(async () => {
    await cluster?.stop()
  })

  it.each(['seed 1', 'seed 2'])(
    'no word that was told to be saved is lost, none is there twice, and all have the same: %s',
    async (seed) => {
      const random = seededRandom(`nodes ${seed}`)
      const world = await startWorld({ nodeUrls: cluster.urls })
      const people: Person[] = []
      for (const name of ['Ada', 'Bob', 'Cyd', 'Dan', 'Eve', 'Fay']) people.push(await world.joined(name))
      const words = (person: Person) => person.doc.getArray<string>('words')
      const written: string[] = []
      const strikes: Record<number, () => Promise<unknown>> = {
        30: () => cluster.nodes[0]!.kill(),
        70: () => cluster.nodes[0]!.restart(),
        90: () => cluster.endConnections(),
        110: () => cluster.killRedis(),
        150: () => cluster.startRedis(),
        170: () => cluster.nodes[below(random, 2) + 1]!.kill(),
        180: () => cluster.endConnections(),
        210: async () => {
          for (const node of cluster.nodes) if (!(await isAlive(node.url))) await node.restart()
        },
      }
      let told = 0
      for (let step = 0; step < STEPS; step++) {
        const person = pick(random, people)
        const word = `${person.name} ${step}`
        written.push(word)
        words(person).insert(below(random, words(person).length + 1), [word])
        person.text.insert(below(random, person.text.length + 1), pick(random, ['a', 'é', '🐤 ']))
        if (random() < 0.4) await settle()
        const strike = strikes[step]
        if (!strike) continue
        // Somebody elsewhere has everything that was saved until now: in mid-typing, and told.
        if (person.provider.wsconnected) {
          await patiently(person.provider.flush(), `${person.name} to be told that all is saved`).catch(() => {})
          told++
        }
        await strike()
      }
      expect(told).toBeGreaterThan(0)
      for (const { provider, name } of people) {
        await untilTrue(provider, 'sync', () => provider.synced, `${name} to be synced at last`)
        await patiently(provider.flush(), `${name}'s last edits to be durable`)
      }
      const reader = await world.joined('a fresh reader')
      for (const { doc, name } of people) await untilEqual([doc, reader.doc], `${name}'s document to be the reader's`)
      expect([...words(reader)].sort()).toEqual([...written].sort())
      await world.close()
    },
    120_000,
  )

  it('who was at a relay that was killed is gone for the others before anybody comes back', async () => {
    const world = await startWorld({ nodeUrls: cluster.urls })
    const [ada, bob] = [await world.joined('Ada'), await world.joined('Bob')]
    await patiently(ada.provider.flush(), 'the document to be there')
    ada.provider.awareness.setLocalStateField('name', 'Ada')
    const isThere = () => bob.provider.awareness.getStates().has(ada.doc.clientID)
    await untilTrue(bob.provider.awareness, 'change', isThere, 'Ada to be seen')
    ada.wire.unplug()
    await cluster.nodes[0]!.kill()
    await untilTrue(bob.provider.awareness, 'change', () => !isThere(), 'Ada to be gone')
    await cluster.nodes[0]!.restart()
    ada.wire.plug()
    await untilTrue(bob.provider.awareness, 'change', isThere, 'Ada to be back')
    await world.close()
  })
})

async function isAlive(url: string): Promise<boolean> {
  return await fetch(`${url.replace('ws:', 'http:')}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  )
}
