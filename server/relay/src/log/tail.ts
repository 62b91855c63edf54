import { RelayError } from '../errors.ts'
import { type SoleAuthor, writtenBy } from './compaction.ts'
import { appended, type EpochState } from './epoch-state.ts'
import type { Commit, NewRun, StoredRun } from './log-store.ts'
import { chainHash } from './run-chain.ts'
import { TailRuns } from './tail-runs.ts'
import { type SaltClaim, TailSalts } from './tail-salts.ts'

export interface TailAuthor {
  readonly session: number
  readonly subject: string
}

/** The newest entries of one document, of the head epoch, and not yet in the document's own tables. */
export class Tail {
  readonly #runs: TailRuns
  readonly #salts: TailSalts
  #state: EpochState
  #sole: SoleAuthor

  constructor(
    { state, sole }: { readonly state: EpochState; readonly sole: SoleAuthor },
    storedClaim: (salt: Uint8Array) => SaltClaim | undefined,
  ) {
    this.#state = state
    this.#sole = sole
    this.#salts = new TailSalts(storedClaim)
    this.#runs = new TailRuns(state)
  }

  get state(): EpochState {
    return this.#state
  }

  get sole(): SoleAuthor {
    return this.#sole
  }

  get runs(): TailRuns {
    return this.#runs
  }

  /** The salts that it has used, with their first and last counters since the tables were told of them. */
  get salts(): TailSalts {
    return this.#salts
  }

  /** Adds all of these runs, of the head epoch, or none: then a salt is not the session's, or not at this counter. */
  append(author: TailAuthor, runs: readonly NewRun[]): Commit | undefined {
    if (!this.#salts.take(author.session, runs, this.#state.sequence)) return undefined
    const stored = runs.map((run) => this.#add(author, run, chainHash(this.#state.hash, run.leaves)))
    return { runs: stored, sequence: this.#state.sequence, hash: this.#state.hash }
  }

  /** Adds a run that was appended before, after which H was `hash`. */
  appendAgain(author: TailAuthor, run: Omit<NewRun, 'leaves'>, hash: Uint8Array): void {
    if (!this.#salts.take(author.session, [run], this.#state.sequence)) {
      throw new RelayError('storage', 'the journal and the log do not fit together')
    }
    this.#add(author, run, hash)
  }

  #add({ subject }: TailAuthor, { count, epochIndex, body }: Omit<NewRun, 'leaves'>, hash: Uint8Array): StoredRun {
    const run = { first: this.#state.sequence + 1, count, epochIndex, hashBefore: this.#state.hash, body }
    this.#sole = writtenBy(this.#sole, subject, this.#state.sequence)
    this.#state = appended(this.#state, count, hash)
    this.#runs.add(run)
    return run
  }
}
