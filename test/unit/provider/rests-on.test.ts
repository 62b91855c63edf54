import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { LogState } from '../../../packages/provider/src/log-state/log-state.ts'
import { restsOn } from '../../../packages/provider/src/log-state/rests-on.ts'

/** A document of two, Bob's part of it as one update, and what Alice then does. */
function afterBob(
  bob: (text: Y.Text, map: Y.Map<unknown>) => void,
  alice: (text: Y.Text, map: Y.Map<unknown>) => void,
) {
  const theirs = new Y.Doc()
  bob(theirs.getText('text'), theirs.getMap('map'))
  const before = Y.encodeStateAsUpdate(theirs)
  const hers = new Y.Doc()
  hers.getText('text').insert(0, 'Alice: ')
  Y.applyUpdate(hers, before)
  const own = Y.encodeStateAsUpdate(hers, Y.encodeStateVector(theirs))
  let edit = new Uint8Array()
  hers.once('update', (update: Uint8Array) => {
    edit = new Uint8Array(update)
  })
  alice(hers.getText('text'), hers.getMap('map'))
  const state = new LogState()
  state.add(before)
  /** Without Bob's part. */
  const alone = new Y.Doc()
  Y.applyUpdate(alone, own)
  Y.applyUpdate(alone, edit)
  const isWaiting = alone.store.pendingStructs !== null || alone.store.pendingDs !== null
  return { rests: restsOn(Y.decodeUpdate(edit), state), isWaiting, edit, own }
}

const write = (text: Y.Text): void => text.insert(0, 'Bob')
const place = (text: Y.Text): number => text.toString().indexOf('Bob')

describe('an edit rests on what Yjs would wait for', () => {
  it.each<[string, (text: Y.Text, map: Y.Map<unknown>) => void, (text: Y.Text, map: Y.Map<unknown>) => void]>([
    ['behind it', write, (text) => text.insert(place(text) + 3, '!')],
    ['before it', write, (text) => text.insert(place(text), '!')],
    ['the end of it', write, (text) => text.delete(place(text) + 1, 2)],
    [
      'in a type',
      (_text, map) => map.set('it', new Y.Map()),
      (_text, map) => (map.get('it') as Y.Map<number>).set('x', 1),
    ],
    ['in its place', (_text, map) => map.set('it', 1), (_text, map) => map.set('it', 2)],
  ])('%s', (_what, bob, alice) => {
    expect(afterBob(bob, alice)).toMatchObject({ rests: true, isWaiting: true })
  })

  it('and not on what stands elsewhere', () => {
    const elsewhere = afterBob(
      (_text, map) => map.set('it', 1),
      (text) => text.insert(text.length, 'more'),
    )
    expect(elsewhere).toMatchObject({ rests: false, isWaiting: false })
  })

  it('a client’s words rest on those before them', () => {
    const { edit, own } = afterBob(write, (_text, map) => map.set('mine', 1))
    const state = new LogState()
    state.add(own)
    expect(restsOn(Y.decodeUpdate(edit), state)).toBe(true)
  })
})
