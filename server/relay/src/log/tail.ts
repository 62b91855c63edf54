import { RelayError } from '../errors.ts'
import { appended, type EpochState } from './epoch-state.ts'
import type { Commit, NewRun, StoredRun } from './log-store.ts'
import { chainHash } from './run-chain.ts'

/** A run gets no larger by what is added to it: a reader that begins in the middle hashes what lies before. */
export const RUN_BYTES = 16 * 1024

/** Whose salt it is, and its last counter. */
export interface SaltClaim {
  readonly session: number
  readonly counter: number
}

/** What a tail knows of a salt. */
interface TailClaim {
  readonly salt: Uint8Array
  /** undefined: nobody's yet. */
  session: number | undefined
  counter: number
  /** The last counter that the tables have. */
  readonly storedCounter: number
}

/** A run that grows: `body` has room for more than its `bytes`. */
interface OpenRun extends StoredRun {
  bytes: number
}

// A few keystrokes; doubled as they come.
const FIRST_BODY_BYTES = 512

/** Where a tail goes in the end. */
export interface TailRows {
  insertRun(document: number, run: StoredRun): void
  useSalt(document: number, salt: Uint8Array, session: number, firstCounter: number, count: number): boolean
  save(document: number, state: EpochState): void
}

/**
 * The newest entries of one document: in the journal, and not yet in the document's own tables. It has the head epoch only.
 * What many appends bring one after the other becomes one run there, whoever they are of.
 */
export class Tail {
  readonly document: number
  /** The row of the journal in which its oldest entry is. */
  readonly journalRow: number
  #state: EpochState
  #bytes = 0
  readonly #runs: OpenRun[] = []
  readonly #claims = new Map<string, TailClaim>()
  readonly #storedClaim: (salt: Uint8Array) => SaltClaim | undefined

  constructor(
    { id, state }: { id: number; state: EpochState },
    journalRow: number,
    storedClaim: (salt: Uint8Array) => SaltClaim | undefined,
  ) {
    this.document = id
    this.journalRow = journalRow
    this.#state = state
    this.#storedClaim = storedClaim
  }

  get state(): EpochState {
    return this.#state
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Adds all of these runs, of the head epoch, or none: then a salt is not the session's, or not at this counter. */
  append(session: number, runs: readonly NewRun[]): Commit | undefined {
    if (!this.#claim(session, runs)) return undefined
    const stored = runs.map((run) => this.#add(run, chainHash(this.#state.hash, run.leaves)))
    return { runs: stored, sequence: this.#state.sequence, hash: this.#state.hash }
  }

  /** Adds a run that was appended before, after which H was `hash`. */
  addAgain(session: number, run: Omit<NewRun, 'leaves'>, hash: Uint8Array): void {
    if (!this.#claim(session, [run])) throw new RelayError('storage', 'the journal and the log do not fit together')
    this.#add(run, hash)
  }

  /** Writes it into the document's tables; the tail is over. */
  settle(rows: TailRows): void {
    for (const { salt, session, counter, storedCounter } of this.#claims.values()) {
      const count = counter - storedCounter
      if (count === 0 || session === undefined) continue
      const isFree = rows.useSalt(this.document, salt, session, storedCounter + 1, count)
      if (!isFree) throw new RelayError('storage', 'a salt was used beside its tail')
    }
    for (const { bytes, body, ...run } of this.#runs)
      rows.insertRun(this.document, { ...run, body: body.subarray(0, bytes) })
    rows.save(this.document, this.#state)
  }

  #claim(session: number, runs: readonly Pick<NewRun, 'salt' | 'firstCounter' | 'count'>[]): boolean {
    const before: { claim: TailClaim; session: number | undefined; counter: number }[] = []
    for (const { salt, firstCounter, count } of runs) {
      const claim = this.#claimOf(salt)
      if ((claim.session ?? session) !== session || claim.counter + 1 !== firstCounter) {
        for (const { claim, session, counter } of before.reverse()) Object.assign(claim, { session, counter })
        return false
      }
      before.push({ claim, session: claim.session, counter: claim.counter })
      claim.session = session
      claim.counter += count
    }
    return true
  }

  #claimOf(salt: Uint8Array): TailClaim {
    const key = String.fromCharCode(...salt)
    const known = this.#claims.get(key)
    if (known) return known
    const { session, counter } = this.#storedClaim(salt) ?? { session: undefined, counter: 0 }
    const claim = { salt, session, counter, storedCounter: counter }
    this.#claims.set(key, claim)
    return claim
  }

  #add({ count, epochIndex, body }: Omit<NewRun, 'leaves'>, hash: Uint8Array): StoredRun {
    const run = { first: this.#state.sequence + 1, count, epochIndex, hashBefore: this.#state.hash, body }
    this.#state = appended(this.#state, count, hash)
    this.#bytes += body.length
    const last = this.#runs.at(-1)
    if (last && last.bytes + body.length <= RUN_BYTES) extend(last, run)
    else this.#runs.push(opened(run))
    return run
  }
}

function opened(run: StoredRun): OpenRun {
  const body = new Uint8Array(Math.max(FIRST_BODY_BYTES, run.body.length))
  body.set(run.body)
  return { ...run, body, bytes: run.body.length }
}

function extend(run: OpenRun, { count, body }: StoredRun): void {
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
