import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { CoveredLog } from '../../../packages/provider/src/log-state/covered-log.ts'
import { difference } from '../../../packages/provider/src/log-state/difference.ts'
import { Desk, textOf, updateBy } from './checkpoint-fixture.ts'

// What a checkpoint is made of: the log, no more and no less (protocol §7).

it('a document that the log holds is taken as it is', () => {
  const desk = new Desk()
  desk.log(desk.type('hello'))
  const whole = new CoveredLog(desk.doc, desk.logState).take()
  expect(textOf(whole?.update ?? new Uint8Array())).toBe('hello')
})

it('what was typed and is not in the log yet is waited for', () => {
  const desk = new Desk()
  const typed = desk.type('typed a moment ago')
  const covered = new CoveredLog(desk.doc, desk.logState)
  expect(covered.take()).toBeUndefined()
  desk.logState.add(typed)
  covered.note(typed)
  expect(textOf(covered.take()?.update ?? new Uint8Array())).toBe('typed a moment ago')
})

it('what others have written meanwhile is in it, and what was typed meanwhile is not', () => {
  const desk = new Desk()
  const typed = desk.type('typed. ')
  const covered = new CoveredLog(desk.doc, desk.logState)
  const theirs = updateBy(9, 'theirs. ')
  desk.log(theirs)
  covered.note(theirs)
  expect(covered.take()).toBeUndefined()
  desk.type('still in the air. ')
  desk.logState.add(typed)
  covered.note(typed)
  const text = textOf(covered.take()?.update ?? new Uint8Array())
  expect(text).toContain('theirs. ')
  expect(text).toContain('typed. ')
  expect(text).not.toContain('in the air')
})

it('what Yjs tidies away of its own accord is in no checkpoint, and none has to wait for it', () => {
  const desk = new Desk()
  desk.doc.getMap('pages').set('first', new Y.Text('hello'))
  desk.log(Y.encodeStateAsUpdate(desk.doc))
  // Two make the same word bold at once: one of the marks is too many, and whoever has both removes it.
  const bolds = [8, 9].map((clientId) => {
    const doc = new Y.Doc()
    doc.clientID = clientId
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(desk.doc))
    const before = Y.encodeStateVector(doc)
    pageOf(doc).format(0, 5, { bold: true })
    return Y.encodeStateAsUpdate(doc, before)
  })
  const typed = desk.type('!')
  const covered = new CoveredLog(desk.doc, desk.logState)
  for (const update of [...bolds, typed]) {
    desk.log(update)
    covered.note(update)
  }
  expect(difference(desk.doc, desk.logState), 'the live document is tidied').toBeDefined()
  const whole = covered.take()
  expect(textOf(whole?.update ?? new Uint8Array())).toBe('!')
  expect(whole?.state.minus(desk.logState).isEmpty).toBe(true)
})

it('what enters the log afterwards is its tail, each update once', () => {
  const desk = new Desk()
  desk.log(desk.type('hello'))
  const covered = new CoveredLog(desk.doc, desk.logState)
  covered.take()
  const theirs = updateBy(9, 'theirs')
  covered.note(theirs)
  expect([covered.takeTail(), covered.takeTail()]).toEqual([[theirs], []])
})

const pageOf = (doc: Y.Doc): Y.Text => doc.getMap('pages').get('first') as Y.Text
