import { RelayError } from '../errors.ts'
import { type SoleAuthor, writtenBy } from './compaction.ts'
import { appended, type EpochState } from './epoch-state.ts'
import type { Commit, NewRun, StoredRun } from './log-store.ts'
import { chainHash } from './run-chain.ts'
import { type SaltClaim, TailSalts } from './tail-salts.ts'

/** A run gets no larger by what is added to it: a reader that begins in the middle hashes what lies before. */
export const RUN_BYTES = 16 * 1024

// A few keystrokes; doubled as they come.
const FIRST_BODY_BYTES = 512

export interface TailAuthor {
  readonly session: number
  readonly subject: string
}

/** A run that grows: `body` has room for more than its `bytes`. */
interface GrowingRun extends StoredRun {
  bytes: number
}

/**
 * The newest entries of one document: in the journal, and not yet in the document's own tables. They are of the head epoch.
 * What many appends bring one after the other becomes one run there, whoever they are of.
 */
export class Tail {
  readonly document: number
  /** The row of the journal in which its oldest entry is. */
  readonly journalRow: number
  readonly #runs: GrowingRun[] = []
  readonly #salts: TailSalts
  #state: EpochState
  #sole: SoleAuthor
  #bytes = 0

  constructor(
    { id, state, sole }: { id: number; state: EpochState; sole: SoleAuthor },
    journalRow: number,
    storedClaim: (salt: Uint8Array) => SaltClaim | undefined,
  ) {
    this.document = id
    this.journalRow = journalRow
    this.#state = state
    this.#sole = sole
    this.#salts = new TailSalts(storedClaim)
  }

  get state(): EpochState {
    return this.#state
  }

  get sole(): SoleAuthor {
    return this.#sole
  }

  get bytes(): number {
    return this.#bytes
  }

  get runs(): StoredRun[] {
    return this.#runs.map(({ bytes, body, ...run }) => ({ ...run, body: body.subarray(0, bytes) }))
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
    this.#bytes += body.length
    const last = this.#runs.at(-1)
    if (last && last.bytes + body.length <= RUN_BYTES) extend(last, run)
    else this.#runs.push(growing(run))
    return run
  }
}

function growing(run: StoredRun): GrowingRun {
  const body = new Uint8Array(Math.max(FIRST_BODY_BYTES, run.body.length))
  body.set(run.body)
  return { ...run, body, bytes: run.body.length }
}

function extend(run: GrowingRun, { count, body }: StoredRun): void {
  const bytes = run.bytes + body.length
  if (bytes > run.body.length) {
    const larger = new Uint8Array(Math.max(bytes, 2 * run.body.length))
    larger.set(run.body)
    run.body = larger
  }
  run.body.set(body, run.bytes)
  run.bytes = bytes
  run.count += count
}
