import { type EpochEnd, stateOf, type TextState } from './epoch-ends.ts'
import type { Member } from './member.ts'

/** An epoch, opened again long after it ended. */
export interface Reopened {
  readonly index: number
  /** First and last sequence; `to` is `from - 1` where nothing was written in it. */
  readonly from: number
  readonly to: number
  /** What it was when it ended; undefined if nobody saw that. */
  readonly recorded: TextState | undefined
  /** What it is now, or why it does not open. */
  readonly found: TextState | string
}

/** Opens every epoch of the document, and says of each what it was and what it is. */
export async function reopenAll({ provider, text }: Member, ends: ReadonlyMap<number, EpochEnd>): Promise<Reopened[]> {
  const reopened: Reopened[] = []
  for (const { index, from, to } of await provider.epochs()) {
    // The present epoch has not ended: it is what everybody sees.
    const recorded = index === provider.epoch?.index ? stateOf(text) : ends.get(index)
    const found = await provider.openEpoch(index).then(
      (doc) => {
        const state = stateOf(doc.getText('text'))
        doc.destroy()
        return state
      },
      (error: unknown) => String(error),
    )
    reopened.push({ index, from, to, recorded, found })
  }
  return reopened
}

/** It opens, and is what it was. */
export function isAsItWas({ recorded, found }: Reopened): boolean {
  return typeof found === 'object' && found.sha256 === recorded?.sha256
}
