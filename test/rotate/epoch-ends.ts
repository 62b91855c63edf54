import { createHash } from 'node:crypto'
import * as Y from 'yjs'
import { type Author, typeSequential } from '../replay/author.ts'
import type { Trace } from '../replay/trace.ts'
import type { Member } from './member.ts'
import { isIn, type TypedEdit } from './typed-edit.ts'

/** A document's text at one moment. */
export interface TextState {
  readonly sha256: string
  /** In UTF-16 units, as Yjs counts. */
  readonly length: number
}

export interface EpochEnd extends TextState {
  /** How many of the edits typed so far were in. */
  readonly edits: number
}

/**
 * Records what the text was when each epoch ended, as a member sees it who only reads: in the moment in which it has read all of one epoch's
 * log and enters the next, its document is what the log says and nothing else.
 */
export function recordEpochEnds(
  { doc, text, provider }: Member,
  typed: readonly TypedEdit[],
): ReadonlyMap<number, EpochEnd> {
  const ends = new Map<number, EpochEnd>()
  let present = provider.epoch?.index
  let edits = 0
  provider.on('epoch', ({ index }) => {
    // What one author types enters the log in the order of typing, so those that are in come first.
    for (let edit = typed[edits]; edit !== undefined && isIn(doc, edit); edit = typed[++edits]);
    if (present !== undefined) ends.set(present, { ...stateOf(text), edits })
    present = index
  })
  return ends
}

export function stateOf(text: Y.Text): TextState {
  const content = text.toString()
  return { sha256: createHash('sha256').update(content, 'utf8').digest('hex'), length: content.length }
}

/**
 * The epochs whose recorded end is not what the trace is after so many edits, typed into a document that never met a
 * provider. Only for a trace of one author: of several, nobody knows the order beforehand.
 */
export async function epochsUnlikeTrace(trace: Trace, ends: ReadonlyMap<number, EpochEnd>): Promise<number[]> {
  const doc = new Y.Doc()
  const alone: Author = { doc, provider: { flush: async () => {} } }
  const text = doc.getText('text')
  const states = new Map<number, string>([[0, stateOf(text).sha256]])
  const wanted = new Set([...ends.values()].map(({ edits }) => edits))
  let edits = 0
  doc.on('update', () => {
    if (wanted.has(++edits)) states.set(edits, stateOf(text).sha256)
  })
  await typeSequential(trace, alone)
  doc.destroy()
  return [...ends].filter(([, end]) => states.get(end.edits) !== end.sha256).map(([index]) => index)
}
