import * as encoding from 'lib0/encoding'
import { expect } from 'vitest'
import { Awareness, encodeAwarenessUpdate } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { docWith } from '../../support/guarded-reader.ts'
import { below, seededRandom } from '../../support/random.ts'
import type { Person } from '../../support/world.ts'
import type { Attack } from '../attack.ts'
import { FAULTS, varints, withMallory } from './mallory.ts'

const GC = 0

/** D1. What is no Yjs update is told of and left out, alike by everybody. */
export const malformedUpdates: Attack = {
  id: 'D1',
  title: 'malformed updates',
  done: 'a member seals 400 mutated updates (seed "D1"), one in the V2 encoding, and one that breaks off before its end',
  async run(scene) {
    const { ada, bob, mallory } = await withMallory(scene)
    const doc = new Y.Doc()
    doc.getText('mutated').insert(0, 'some words to be mutated')
    doc.getMap('mutated-map').set('key', { value: [1, 2, 'three'] })
    const update = Y.encodeStateAsUpdate(doc)
    const random = seededRandom('D1')
    scene.strike()
    for (let i = 0; i < 400; i++) {
      const mutated = update.slice(0, 1 + below(random, update.length))
      for (let flips = 0; flips < 3; flips++) mutated[below(random, mutated.length)] = below(random, 256)
      mallory.write(mutated)
    }
    mallory.write(Y.encodeStateAsUpdateV2(doc))
    // Yjs would take its text before it comes to the end that is missing; and each member would then send that on as its own.
    const half = new Y.Doc()
    half.getText('half').insert(0, 'half an update')
    mallory.write(Y.encodeStateAsUpdate(half).slice(0, -1))
    await scene.notices(ada, 'member-fault')
    await scene.notices(bob, 'member-fault')
    await scene.write(bob)
    await scene.write(ada)
    const carol = await scene.member('Carol', { expects: FAULTS })
    await scene.agree(ada, bob, carol)
    const taken = [ada, bob, carol].map(({ doc: each }) => each.getText('half').toString())
    expect(taken, 'half an update was taken').toEqual(['', '', ''])
    scene.remark(`${bob.provider.counters['member-fault']} left out`)
  },
}

/** D4. Nobody counts further than anybody can have written. */
export const clockSquatting: Attack = {
  id: 'D4',
  title: 'clock squatting',
  done: 'a member claims all clocks through 2^53 − 2 of somebody who has not typed yet, in 15 bytes',
  async run(scene) {
    const { ada, bob, mallory } = await withMallory(scene)
    scene.strike()
    mallory.write(varints(1, 1, ada.doc.clientID, 0, GC, 2 ** 53 - 2, 0))
    await scene.until(() => scene.relay.room().shared.sequence === 2, 'it to be stored')
    await scene.settle()
    await scene.write(ada)
    await scene.agree(ada, bob, await scene.member('Carol', { expects: FAULTS }))
    await scene.notices(bob, 'member-fault')
  },
}

/** D5. Nobody deletes what was not written yet. */
export const futureDelete: Attack = {
  id: 'D5',
  title: 'deletes of what is still to be written',
  done: 'a member deletes the next 1,000 characters of somebody who has not typed yet',
  async run(scene) {
    const { ada, bob, mallory } = await withMallory(scene)
    scene.strike()
    mallory.write(varints(0, 1, ada.doc.clientID, 1, 0, 1_000))
    await scene.settle()
    await scene.write(ada)
    await scene.agree(ada, bob, await scene.member('Carol', { expects: FAULTS }))
    await scene.notices(bob, 'member-fault')
  },
}

/** D6. Who uses another's ids, or has the same ones by accident, takes no words away. */
export const sharedIds: Attack = {
  id: 'D6',
  title: 'two contents under the same ids',
  done: 'two members whose app gives both documents one client id write while they are offline',
  async run(scene) {
    const [ada, bob] = ['Ada', 'Bob'].map((name) =>
      scene.person(name, { doc: docWith(7), connect: false, expects: FAULTS }),
    ) as [Person, Person]
    for (const person of [ada, bob]) scene.type(person)
    scene.strike()
    for (const { provider, name } of [ada, bob]) {
      provider.connect()
      await scene.pass(provider.whenSynced, `${name} to be synced`)
      await scene.pass(provider.flush(), `${name}'s words to be durable`)
    }
    await scene.agree(ada, bob, await scene.member('Carol'))
    await scene.notices(bob, 'member-fault')
  },
}

/** D7. Nobody speaks for somebody else in awareness. */
export const awarenessSpoofing: Attack = {
  id: 'D7',
  title: 'awareness of somebody else',
  done: 'a member says that Ada is Mallory, with a clock 1,000 ahead of hers; then speaks for 1,000 people',
  async run(scene) {
    const { ada, bob, mallory } = await withMallory(scene)
    const name = scene.world.canary('ada-name')
    ada.provider.awareness.setLocalStateField('name', name)
    const nameAt = ({ provider }: typeof bob): unknown => provider.awareness.getStates().get(ada.doc.clientID)?.name
    await scene.until(() => nameAt(bob) === name, 'Bob to see Ada')
    const doc = new Y.Doc()
    doc.clientID = ada.doc.clientID
    const spoof = new Awareness(doc)
    for (let clock = 0; clock < 1_000; clock++) spoof.setLocalStateField('name', 'mallory')
    scene.strike()
    mallory.say(encodeAwarenessUpdate(spoof, [ada.doc.clientID]))
    const crowd = encoding.createEncoder()
    encoding.writeVarUint(crowd, 1_000)
    for (let id = 1; id <= 1_000; id++) {
      encoding.writeVarUint(crowd, id)
      encoding.writeVarUint(crowd, 1)
      encoding.writeVarString(crowd, '{}')
    }
    mallory.say(encoding.toUint8Array(crowd))
    spoof.destroy()
    await scene.wait(1_000)
    expect([nameAt(ada), nameAt(bob)], 'somebody else speaks for Ada').toEqual([name, name])
    expect(bob.provider.awareness.getStates().size, 'a crowd of one session').toBe(2)
    await scene.notices(ada, 'member-fault')
    await scene.agree(ada, bob)
  },
}

/** D14. How deep values nest is bounded alike for everybody, whatever their stack. */
export const nestingBomb: Attack = {
  id: 'D14',
  title: 'nesting bomb',
  done: 'a member seals a value of 1,000 arrays in each other, and one of 100,000',
  async run(scene) {
    const { ada, bob, mallory } = await withMallory(scene)
    scene.strike()
    for (const depth of [1_000, 100_000]) {
      const doc = new Y.Doc()
      doc.getMap('bomb').set('value', 'here')
      const update = Y.encodeStateAsUpdate(doc)
      // The string "here" is 119, 4 and its bytes; an array of one is 117, 1.
      const at = Buffer.from(update).indexOf(Buffer.from([119, 4, ...Buffer.from('here')]))
      const nested = Buffer.concat([
        update.subarray(0, at),
        Buffer.from(Array.from({ length: depth }, () => [117, 1]).flat()),
        update.subarray(at),
      ])
      mallory.write(new Uint8Array(nested))
    }
    await scene.write(bob)
    const carol = await scene.member('Carol', { expects: FAULTS })
    await scene.agree(ada, bob, carol)
    const has = [ada, bob, carol].map(({ doc }) => doc.getMap('bomb').has('value'))
    expect(has, 'the bomb was let in').toEqual([false, false, false])
    await scene.notices(bob, 'member-fault')
  },
}
