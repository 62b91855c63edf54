import { beforeAll, describe, expect, it } from 'vitest'
import { ALLOWED_GAIN, describeGuesses, failures, type Guessed, guessEdits } from './guess-edits.ts'

const SEED = 'a letter home'
const EDITS = 320

describe(`E7: a relay that guesses insert, delete or paste from lengths (seed "${SEED}", ${EDITS} edits a trace)`, () => {
  let rows: Guessed[]
  const row = (mix: Guessed['mix'], clues: Guessed['clues']): Guessed => {
    const found = rows.find((each) => each.mix === mix && each.clues === clues)
    if (found === undefined) throw new Error('no such row')
    return found
  }

  beforeAll(async () => {
    rows = await guessEdits(EDITS, SEED)
    console.log(describeGuesses(rows))
  })

  it.each(['writing', 'even'] as const)(
    'padding on, %s: right no oftener than the base rate and five in a hundred',
    (mix) => {
      const { on } = row(mix, 'sizes')
      expect(on.accuracy).toBeLessThanOrEqual(on.baseRate + ALLOWED_GAIN)
      expect(failures(rows)).toEqual([])
    },
  )

  it.each(['writing', 'even'] as const)('control, padding off, %s: the same attacker is nearly always right', (mix) => {
    const { off } = row(mix, 'sizes')
    expect(off.accuracy).toBeGreaterThan(off.baseRate + (1 - off.baseRate) / 2)
  })

  it('what stays visible: that a paste is longer than a word', () => {
    expect(row('writing', 'sizes').on.longPastes).toBeGreaterThan(0.9)
  })

  it('what stays visible: times, which no padding hides', () => {
    const { on } = row('writing', 'sizes and times')
    expect(on.accuracy).toBeGreaterThan(row('writing', 'sizes').on.accuracy)
  })
})
