import { observeTyping } from './observe-typing.ts'
import { CLUES, playSizeClassifier, type Score } from './size-classifier.ts'
import { generateTyping, type Mix } from './typing.ts'

export interface Guessed {
  readonly mix: Mix
  readonly clues: keyof typeof CLUES
  readonly off: Score
  readonly on: Score
}

/** What a classifier may gain from lengths over who always says the commonest label. */
export const ALLOWED_GAIN = 0.05

/** Both mixes, with and without padding, by every sort of clue. */
export async function guessEdits(edits: number, seed: string): Promise<Guessed[]> {
  const rows: Guessed[] = []
  for (const mix of ['writing', 'even'] as const) {
    const typed = generateTyping(mix, edits, seed)
    const off = await observeTyping(typed, false)
    const on = await observeTyping(typed, true)
    for (const clues of ['sizes', 'sizes and times'] as const) {
      rows.push({
        mix,
        clues,
        off: playSizeClassifier(off, CLUES[clues]),
        on: playSizeClassifier(on, CLUES[clues]),
      })
    }
  }
  return rows
}

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`.padStart(8)

export function describeGuesses(rows: readonly Guessed[]): string {
  const head = `${'trace, clues'.padEnd(26)}base rate  padding off  padding on   pastes over 40 characters, off / on`
  const lines = rows.map(({ mix, clues, off, on }) => {
    const long = mix === 'writing' ? `${percent(off.longPastes)} / ${percent(on.longPastes)}` : 'none'
    return `${`${mix}, ${clues}`.padEnd(26)} ${percent(on.baseRate)}     ${percent(off.accuracy)}    ${percent(on.accuracy)}   ${long}`
  })
  return [head, ...lines].join('\n')
}

/** The rows in which padding hides too little. Times are no length: they are shown, and promised by nobody. */
export function failures(rows: readonly Guessed[]): Guessed[] {
  return rows.filter(({ clues, on }) => clues === 'sizes' && on.accuracy > on.baseRate + ALLOWED_GAIN)
}
