import { expect } from 'vitest'
import * as Y from 'yjs'
import type { Attack } from '../attack.ts'
import { varints, withMallory } from './mallory.ts'

const UPDATES = 1_000
/** Protocol §3: 256 fruitless ones, and what is merged and tried after that four times a second. */
const MAX_TRIES = 400

/** D3. What rests on something that is missing is tried a few times, then merged outside and tried now and then. */
export const pendingGrowth: Attack = {
  id: 'D3',
  title: 'updates that rest on one that is kept back',
  done: `a member seals ${UPDATES.toLocaleString('en')} updates of one character, and only then the one that all of them rest on`,
  async run(scene) {
    const { ada, bob, mallory } = await withMallory(scene)
    const doc = new Y.Doc()
    const updates: Uint8Array[] = []
    doc.on('update', (update) => void updates.push(update))
    for (let i = 0; i <= UPDATES; i++) doc.getText('typed').insert(i, String.fromCharCode(97 + (i % 26)))
    const [first, ...others] = updates as [Uint8Array, ...Uint8Array[]]
    const tries = countTries(bob.doc)
    scene.strike()
    for (const update of others) mallory.write(update)
    await scene.write(bob)
    expect(tries(), 'what cannot be used yet is merged again and again').toBeLessThan(MAX_TRIES)
    mallory.write(first)
    const text = doc.getText('typed').toString()
    await scene.until(() => bob.doc.getText('typed').toString() === text, 'what rested on it to be there')
    const carol = await scene.member('Carol')
    await scene.until(() => carol.doc.getText('typed').toString() === text, 'Carol to have it too')
    await scene.agree(ada, bob, carol)
    scene.remark(`${tries()} tries, then all of it`)
  },
}

/** How often Yjs has merged what waits in a document with something more that it cannot use yet. */
function countTries({ store }: Y.Doc): () => number {
  let tries = 0
  let pending: typeof store.pendingStructs = null
  Object.defineProperty(store, 'pendingStructs', {
    get: () => pending,
    set(value: typeof pending) {
      pending = value
      if (value === null) return
      let { update } = value
      tries++
      Object.defineProperty(value, 'update', {
        get: () => update,
        set(merged: Uint8Array) {
          update = merged
          tries++
        },
      })
    },
  })
  return () => tries
}

const CROWD = 1_500

/** D8. How many states a room shows is bounded, no clock pins one for ever, and who has left leaves nothing behind. */
export const awarenessGrowth: Attack = {
  id: 'D8',
  title: 'awareness without end',
  done: `a member speaks as ${CROWD.toLocaleString('en')} sessions with a client id each, sets a state with clock 2^53 − 1, and leaves`,
  async run(scene) {
    const { ada, bob, mallory } = await withMallory(scene)
    const { awareness } = bob.provider
    const pinned = CROWD + 1
    scene.strike()
    for (let id = 1; id <= CROWD; id++) mallory.say(stateOf(id, 1), id)
    mallory.say(stateOf(pinned, 2 ** 53 - 1), pinned)
    await scene.settle()
    expect(awareness.getStates().size, 'the page fills with states').toBeLessThanOrEqual(1_001)
    expect(awareness.getStates().has(pinned), 'a state that nobody can replace').toBe(false)
    for (const session of scene.relay.room().sessions)
      for (let id = 1; id <= pinned; id++) session.say({ type: 'left', channel: session.channel, session: id })
    await scene.until(() => awareness.getStates().size <= 2, 'them to be gone')
    expect(awareness.meta.size, 'the page fills with clocks of who has left').toBeLessThanOrEqual(2)
    await scene.notices(bob, 'member-fault')
    await scene.agree(ada, bob)
    scene.remark('1,000 ids at most, and none is left of them')
  },
}

/** One state: a count of one, an id, a clock, and an empty object as text. */
function stateOf(client: number, clock: number): Uint8Array {
  return Uint8Array.of(...varints(1, client, clock), 2, 0x7b, 0x7d)
}
