import { afterEach, beforeEach, expect, test } from 'vitest'
import * as Y from 'yjs'
import { untilEqual } from '../support/convergence.ts'
import { patiently, untilTrue } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { isGapless } from '../support/log-order.ts'
import { below, pick, seededRandom } from '../support/random.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

let world: World
let relayClock: FakeClock
beforeEach(async () => {
  relayClock = new FakeClock(Date.now())
  world = await startWorld({ data: 'disk', relayClock })
})
afterEach(() => world.close())

type Random = () => number

/** What a person does: mostly types, sometimes deletes, formats, sets a map entry that others set too. */
function edit(random: Random, { doc, text, name }: Person): void {
  const what = random()
  const at = below(random, text.length + 1)
  if (what < 0.55) text.insert(at, pick(random, ['a', 'word ', '🐤', 'é', '\n', name]))
  else if (what < 0.75 && text.length > 0) text.delete(below(random, text.length), 1)
  else if (what < 0.85) doc.getMap<string>('map').set(pick(random, ['x', 'y']), `${name} ${below(random, 1000)}`)
  else if (what < 0.95) doc.getArray<number>('array').insert(0, [below(random, 1000)])
  else doc.transact(() => doc.getXmlFragment('xml').insert(0, [new Y.XmlElement(name.toLowerCase())]))
}

/** What the network does to a person. */
function strike(random: Random, person: Person): void {
  const { wire } = person
  const what = random()
  if (what < 0.2) wire.cut()
  else if (what < 0.35) wire.unplug()
  else if (what < 0.55) wire.plug()
  else if (what < 0.65) wire.hold('up', ({ type }) => type === 'append')
  else if (what < 0.75) wire.hold('down', ({ type }) => type === 'entries' || type === 'ack')
  else if (what < 0.85) wire.halfOpen()
  // A fan-out may get lost between the nodes of a relay; in the middle of a TCP connection nothing else can.
  else if (what < 0.95) wire.drop('down', ({ type }) => type === 'entries' && isLive(person))
  else {
    wire.release('up')
    wire.release('down')
  }
}

/** Caught up, and nothing asked for again: what comes now is fan-out. */
function isLive({ wire, provider }: Person): boolean {
  const connection = wire.openSockets[0]?.connection
  const asked = world.capture.messages('up', connection).filter(({ type }) => type === 'read')
  const answered = world.capture.messages('down', connection).filter(({ type }) => type === 'caught-up')
  return provider.synced && answered.length > asked.length
}

test.each(['seed 1', 'seed 2', 'seed 3', 'seed 4', 'seed 5'])(
  'four people type while their connections break, stall, go half-open and lose frames, and the relay restarts: %s',
  async (seed) => {
    const random = seededRandom(`chaos ${seed}`)
    const names = ['Alice', 'Bob', 'Carol', 'Dora']
    const people: Person[] = []
    for (const name of names) people.push(await world.joined(name))
    for (let step = 0; step < 400; step++) {
      edit(random, pick(random, people))
      if (random() < 0.12) strike(random, pick(random, people))
      if (random() < 0.01) {
        await world.stopRelay()
        await world.startRelay()
      }
      if (random() < 0.3) await settle()
      if (random() < 0.02) await relayClock.advance(5_000)
    }

    for (const { wire } of people) wire.calm()
    for (const { provider, name } of people) {
      await untilTrue(provider, 'sync', () => provider.synced, `${name} to be synced at last`)
      await patiently(provider.flush(), `${name}'s last edits to be durable`)
    }
    // Lost fan-outs are found by the heartbeat that follows.
    await settle()
    await relayClock.advance(60_000)
    const reader = await world.joined('fresh reader')
    for (const { doc, name } of people) {
      await untilEqual([doc, reader.doc], `${name}'s document to be the reader's`)
      expect(doc.getText('text').toString()).toBe(reader.text.toString())
      expect(doc.getMap('map').toJSON()).toEqual(reader.doc.getMap('map').toJSON())
      expect(doc.getArray('array').toJSON()).toEqual(reader.doc.getArray('array').toJSON())
    }
    expect(isGapless(await world.log())).toBe(true)
  },
  60_000,
)
