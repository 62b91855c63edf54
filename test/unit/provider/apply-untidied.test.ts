import type { Opened } from '@y-sealed/envelope'
import { systemClock } from '@y-sealed/key-client'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { PastDocument } from '../../../packages/provider/src/history/past-document.ts'
import { LogState } from '../../../packages/provider/src/log-state/log-state.ts'
import { Problems } from '../../../packages/provider/src/problems.ts'

/** Two members make the same words bold at once: whoever reads both finds one of the two marks redundant. */
function boldTwice(): { base: Uint8Array; marks: Uint8Array[] } {
  const first = new Y.Doc()
  const paragraph = new Y.XmlText()
  first.getXmlFragment('text').insert(0, [paragraph])
  paragraph.insert(0, 'words')
  const base = Y.encodeStateAsUpdate(first)
  const marks = [1, 2].map(() => {
    const doc = new Y.Doc()
    Y.applyUpdate(doc, base)
    const before = Y.encodeStateVector(doc)
    const text = doc.getXmlFragment('text').get(0)
    if (!(text instanceof Y.XmlText)) throw new Error('no paragraph')
    text.format(0, 5, { bold: true })
    return Y.encodeStateAsUpdate(doc, before)
  })
  return { base, marks }
}

function logOf(updates: readonly Uint8Array[]): LogState {
  const state = new LogState()
  for (const update of updates) state.add(update)
  return state
}

describe('Yjs tidies formats after what others wrote', () => {
  it('as a document that is shown to its user shows: it has deleted what no log holds', () => {
    const { base, marks } = boldTwice()
    const doc = new Y.Doc()
    for (const update of [base, ...marks]) Y.applyUpdate(doc, update)
    expect(LogState.of(doc).minus(logOf([base, ...marks])).isEmpty).toBe(false)
  })

  it('and a document that is built from the log, to be compared with it, holds exactly the log', () => {
    const { base, marks } = boldTwice()
    const past = new PastDocument({ update: base, sequence: 0 }, quiet)
    for (const [at, body] of marks.entries()) past.take([{ sequence: at + 1, opened: opened(body, at) }])
    expect(LogState.of(past.finish()).minus(logOf([base, ...marks])).isEmpty).toBe(true)
  })
})

const quiet = new Problems(systemClock, () => {})

function opened(body: Uint8Array, salt: number): Opened {
  const flags = { more: false, continues: false, padded: false, repair: false, final: false }
  return { ...flags, kind: 1, epochIndex: 0, salt: new Uint8Array(16).fill(salt), counter: 1, codec: 1, body }
}
