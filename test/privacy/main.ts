import { describeGuesses, failures, guessEdits } from './guess-edits.ts'

const EDITS = 2_000
const SEED = 'a letter home'

/** Plays the attacker with this seed, prints how often it was right, and resolves with the exit code. */
export async function main([seed = SEED]: readonly string[]): Promise<number> {
  console.log(
    `insert, delete or paste? ${EDITS} edits a trace, seed "${seed}"; learnt from one half, judged on the other`,
  )
  const rows = await guessEdits(EDITS, seed)
  console.log(describeGuesses(rows))
  return failures(rows).length === 0 ? 0 : 1
}
