import type { ObservedEdit } from './observe-typing.ts'
import { EDIT_KINDS, type EditKind } from './typing.ts'

/** How an attacker describes one edit to itself, from the most particular to the most general. */
type Clues = (edits: readonly ObservedEdit[], at: number) => string[]

const size = (edit: ObservedEdit | undefined): string => `${edit?.frameBytes}/${edit?.sealedBytes}`
const sealed = (edit: ObservedEdit | undefined): string => `${edit?.sealedBytes}`
// Half octaves: fine enough to tell a key that is held down from one that is struck.
const time = (edit: ObservedEdit | undefined): string => `${edit && Math.round(2 * Math.log2(edit.gapMs))} ms`

export const CLUES = {
  sizes: (edits, at) => [
    [sealed(edits[at - 1]), sealed(edits[at]), sealed(edits[at + 1])].join(),
    size(edits[at]),
    sealed(edits[at]),
  ],
  'sizes and times': (edits, at) => [
    [sealed(edits[at]), time(edits[at]), time(edits[at + 1])].join(),
    [sealed(edits[at]), time(edits[at])].join(),
    sealed(edits[at]),
  ],
} satisfies Record<string, Clues>

/** A description that was met less often teaches nothing. */
const ENOUGH = 5

export interface Score {
  /** Share of the judged edits that were labelled right. */
  readonly accuracy: number
  /** What somebody has who always says the commonest label, and has seen nothing. */
  readonly baseRate: number
  /** Of the pastes that are longer than any padding step hides, the share that was recognised. */
  readonly longPastes: number
}

/** Longer texts need more than the first step of 64 B, together with what Yjs adds. */
const LONG_PASTE = 40

/** Learns and judges in turns: a document grows, and with it the numbers in its updates; an attacker would keep up with that. */
const BLOCK_EDITS = 25

/** Learns from one half, labels the other. */
export function playSizeClassifier(edits: readonly ObservedEdit[], clues: Clues): Score {
  const numbered = edits.map((edit, at) => ({ ...edit, at }))
  const learnt = numbered.filter(({ at }) => Math.floor(at / BLOCK_EDITS) % 2 === 0)
  const judged = numbered.filter(({ at }) => Math.floor(at / BLOCK_EDITS) % 2 === 1)
  const seen = new Map<string, Tally>()
  for (const { kind, at } of learnt) {
    for (const clue of clues(edits, at)) {
      const tally = seen.get(clue) ?? new Tally()
      seen.set(clue, tally)
      tally.add(kind)
    }
  }
  const results = judged.map((edit) => {
    const known = clues(edits, edit.at).flatMap((clue) => seen.get(clue) ?? [])
    const best = known.find(({ count }) => count >= ENOUGH) ?? known.at(-1)
    const guess = best?.commonest ?? nearest(learnt, edit).kind
    return { ...edit, isRight: guess === edit.kind }
  })
  const right = (some: readonly { isRight: boolean }[]) => some.filter(({ isRight }) => isRight).length / some.length
  const ofKind = (kind: EditKind) => judged.filter((edit) => edit.kind === kind).length
  return {
    accuracy: right(results),
    baseRate: Math.max(...EDIT_KINDS.map(ofKind)) / judged.length,
    longPastes: right(results.filter(({ kind, length }) => kind === 'paste' && length > LONG_PASTE)),
  }
}

/** For a size that was never met. */
function nearest(learnt: readonly ObservedEdit[], edit: ObservedEdit): ObservedEdit {
  const distance = ({ sealedBytes }: ObservedEdit): number => Math.abs(sealedBytes - edit.sealedBytes)
  return learnt.reduce((best, each) => (distance(each) < distance(best) ? each : best))
}

class Tally {
  count = 0
  readonly #byKind = new Map<EditKind, number>()

  add(kind: EditKind): void {
    this.count++
    this.#byKind.set(kind, (this.#byKind.get(kind) ?? 0) + 1)
  }

  get commonest(): EditKind | undefined {
    return [...this.#byKind].sort(([, a], [, b]) => b - a)[0]?.[0]
  }
}
