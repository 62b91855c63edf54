import type { NewRun } from './log-store.ts'

/** Whose salt it is, and its last counter. */
export interface SaltClaim {
  readonly session: number
  readonly counter: number
}

/** What a tail has taken of a salt: `count` counters from `firstCounter` on, the last for the entry `lastSequence`. */
export interface TakenSalt {
  readonly salt: Uint8Array
  readonly session: number
  readonly firstCounter: number
  readonly count: number
  readonly lastSequence: number
}

interface Claim {
  readonly salt: Uint8Array
  /** undefined: nobody's yet. */
  session: number | undefined
  counter: number
  lastSequence: number
  /** The last counter that the tables have. */
  readonly storedCounter: number
}

/** The salts of a tail: which session has each, and at which counter. */
export class TailSalts {
  /** By the start of their salts. */
  readonly #claims = new Map<number, Claim[]>()
  readonly #storedClaim: (salt: Uint8Array) => SaltClaim | undefined

  constructor(storedClaim: (salt: Uint8Array) => SaltClaim | undefined) {
    this.#storedClaim = storedClaim
  }

  /**
   * Whether this session may append these runs behind the entry `sequence`: each salt is its own, or nobody's, and its
   * counters follow. If so, all are taken; else none.
   */
  take(session: number, runs: readonly Pick<NewRun, 'salt' | 'firstCounter' | 'count'>[], sequence: number): boolean {
    const before: { claim: Claim; was: Pick<Claim, 'session' | 'counter' | 'lastSequence'> }[] = []
    let lastSequence = sequence
    for (const { salt, firstCounter, count } of runs) {
      const claim = this.#claimOf(salt)
      if ((claim.session ?? session) !== session || claim.counter + 1 !== firstCounter) {
        // A salt may come twice among the runs: the first state of each is put back last.
        for (const { claim, was } of before.reverse()) Object.assign(claim, was)
        return false
      }
      const { session: owner, counter, lastSequence: last } = claim
      if (runs.length > 1) before.push({ claim, was: { session: owner, counter, lastSequence: last } })
      lastSequence += count
      claim.session = session
      claim.counter += count
      claim.lastSequence = lastSequence
    }
    return true
  }

  /** What the tables have to be told. */
  *taken(): Generator<TakenSalt> {
    for (const { salt, session, counter, storedCounter, lastSequence } of [...this.#claims.values()].flat()) {
      const count = counter - storedCounter
      if (session !== undefined && count > 0)
        yield { salt, session, firstCounter: storedCounter + 1, count, lastSequence }
    }
  }

  #claimOf(salt: Uint8Array): Claim {
    const start = startOf(salt)
    const alike = this.#claims.get(start)
    const known = alike?.find((claim) => isSame(claim.salt, salt))
    if (known) return known
    const { session, counter } = this.#storedClaim(salt) ?? { session: undefined, counter: 0 }
    const claim: Claim = { salt, session, counter, lastSequence: 0, storedCounter: counter }
    if (alike) alike.push(claim)
    else this.#claims.set(start, [claim])
    return claim
  }
}

/** The first 32 bits, which a Map compares sooner than 16 characters. */
function startOf(salt: Uint8Array): number {
  return ((salt[0] ?? 0) << 24) | ((salt[1] ?? 0) << 16) | ((salt[2] ?? 0) << 8) | (salt[3] ?? 0)
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false
  return a.length === b.length
}
