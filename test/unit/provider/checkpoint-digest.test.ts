import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { stateDigest } from '../../../packages/provider/src/checkpoint/state-digest.ts'
import { hex } from '../../../packages/provider/src/hex.ts'
import { LogState } from '../../../packages/provider/src/log-state/log-state.ts'
import { below, pick, seededRandom } from '../../support/random.ts'

const digestOf = async (doc: Y.Doc): Promise<string> => hex(await stateDigest(LogState.of(doc)))

/** Of a log that holds just this. */
function updateDigest(update: Uint8Array): Promise<Uint8Array> {
  const state = new LogState()
  state.add(update)
  return stateDigest(state)
}

function exchange(docs: readonly Y.Doc[]): void {
  for (const from of docs)
    for (const to of docs) Y.applyUpdate(to, Y.encodeStateAsUpdate(from, Y.encodeStateVector(to)))
}

describe('the digest of a document', () => {
  it('is the same for an empty one, always', async () => {
    expect(await digestOf(new Y.Doc())).toBe(await digestOf(new Y.Doc()))
  })

  it('tells a missing delete, which a state vector does not', async () => {
    const [alice, bob] = [new Y.Doc(), new Y.Doc()]
    alice.getText('t').insert(0, 'hello world')
    exchange([alice, bob])
    expect(await digestOf(alice)).toBe(await digestOf(bob))
    alice.getText('t').delete(3, 1)
    expect(Y.encodeStateVector(alice)).toEqual(Y.encodeStateVector(bob))
    expect(await digestOf(alice)).not.toBe(await digestOf(bob))
  })

  it('tells a missing insert', async () => {
    const [alice, bob] = [new Y.Doc(), new Y.Doc()]
    alice.getText('t').insert(0, 'hello')
    exchange([alice, bob])
    alice.getText('t').insert(5, '!')
    expect(await digestOf(alice)).not.toBe(await digestOf(bob))
  })

  it('does not care whether garbage was collected, or kept for an undo', async () => {
    const keeper = new Y.Doc({ gc: false })
    const collector = new Y.Doc()
    const undo = new Y.UndoManager(keeper.getMap('m'))
    keeper.getMap('m').set('page', new Y.Map([['title', 'draft']]))
    keeper.getMap('m').set('page', new Y.Map([['title', 'final']]))
    keeper.getMap('m').delete('page')
    exchange([keeper, collector])
    expect(Y.encodeStateAsUpdate(keeper).length).toBeGreaterThan(Y.encodeStateAsUpdate(collector).length)
    expect(await digestOf(keeper)).toBe(await digestOf(collector))
    undo.destroy()
  })

  it('does not care in what pieces the content came', async () => {
    const writer = new Y.Doc()
    const updates: Uint8Array[] = []
    writer.on('update', (update: Uint8Array) => updates.push(update))
    for (const letter of 'in many pieces') writer.getText('t').insert(0, letter)
    writer.getText('t').delete(2, 5)
    const merged = Y.mergeUpdates(updates)
    expect(hex(await updateDigest(merged))).toBe(await digestOf(writer))
  })

  it('counts what stands behind a gap', async () => {
    const writer = new Y.Doc()
    const updates: Uint8Array[] = []
    writer.on('update', (update: Uint8Array) => updates.push(update))
    for (const letter of 'abc') writer.getText('t').insert(0, letter)
    const [first = new Uint8Array(), , third = new Uint8Array()] = updates
    const digests = [first, third, Y.mergeUpdates([first, third]), Y.mergeUpdates(updates)].map(updateDigest)
    expect(new Set((await Promise.all(digests)).map(hex)).size).toBe(4)
  })

  it('does not care how many structs the ids behind a gap are', async () => {
    const digests = [
      ['a', 'b', 'c', 'd'],
      ['a', 'b', 'cd'],
    ].map((pieces) => {
      const writer = new Y.Doc()
      writer.clientID = 1
      const updates: Uint8Array[] = []
      writer.on('update', (update: Uint8Array) => updates.push(update))
      for (const piece of pieces) writer.getText('t').insert(0, piece)
      return updateDigest(Y.mergeUpdates(updates.filter((_, at) => at !== 1)))
    })
    expect(new Set((await Promise.all(digests)).map(hex)).size).toBe(1)
  })

  for (const seed of ['alice', 'bob', 'carol', 'dave', 'erin']) {
    it(`is equal for all who have converged, and for them only (seed ${seed})`, async () => {
      const random = seededRandom(seed)
      const docs = [new Y.Doc(), new Y.Doc({ gc: false }), new Y.Doc()]
      for (let step = 0; step < 200; step++) {
        const doc = pick(random, docs)
        const text = doc.getText('t')
        const act = below(random, 4)
        if (act === 0) doc.getMap('m').set(String(below(random, 5)), new Y.Array())
        else if (act === 1 && text.length > 0) text.delete(below(random, text.length), 1)
        else text.insert(below(random, text.length + 1), 'word ')
        if (below(random, 20) === 0) exchange(docs)
      }
      exchange(docs)
      exchange(docs)
      expect(new Set(await Promise.all(docs.map(digestOf))).size).toBe(1)
      pick(random, docs).getText('t').delete(0, 1)
      expect(new Set(await Promise.all(docs.map(digestOf))).size).toBe(2)
    })
  }
})
