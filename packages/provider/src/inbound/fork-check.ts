import { EnvelopeError, type Opened, parseWitnessBody } from '@y-sealed/envelope'
import { equalBytes } from '../hex.ts'
import type { Problems } from '../problems.ts'

/** How many (sequence, H) pairs are kept to compare other sealers' births with (protocol §6). */
const MAX_REMEMBERED_HASHES = 1_024

/** What others say that they have seen of the log, against what was read here: a relay may show each of them another. */
export class ForkCheck {
  readonly #problems: Problems
  readonly #hashes = new Map<number, Uint8Array>()

  constructor(problems: Problems) {
    this.#problems = problems
  }

  /** The reader begins here. */
  begin(sequence: number, hash: Uint8Array): void {
    this.#hashes.clear()
    this.remember(sequence, hash)
  }

  remember(sequence: number, hash: Uint8Array): void {
    this.#hashes.set(sequence, hash)
    const oldest = sequence - MAX_REMEMBERED_HASHES
    if (oldest >= 0) this.#hashes.delete(oldest)
  }

  /** A sealer's first envelope names the history it was born in (protocol §3, flag 8). */
  compareBirth({ birth }: Opened, sequence: number): void {
    if (birth !== undefined) this.#compare(birth, sequence)
  }

  /** What a member has seen (protocol §7 "Witness"). */
  compareWitness({ body }: Opened, sequence: number): void {
    try {
      this.#compare(parseWitnessBody(body), sequence)
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error
      this.#problems.raise('member-fault', 'a witness is not well-formed', 'entry')
    }
  }

  #compare(seen: { readonly sequence: number; readonly hash: Uint8Array }, entry: number): void {
    const ours = this.#hashes.get(seen.sequence)
    if (ours === undefined || equalBytes(ours, seen.hash)) return
    const where = `sequence ${seen.sequence}`
    this.#problems.raise('fork', `the sealer of entry ${entry} saw another history at ${where}`, 'entry')
  }
}
