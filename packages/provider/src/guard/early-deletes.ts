import { IdRanges } from '../log-state/id-ranges.ts'
import type { LogState } from '../log-state/log-state.ts'
import type { IdRun, ScannedUpdate } from './scan-update.ts'

/** Deletes of what is not there that are kept for when it comes. Honest ones are those of a few lost entries. */
const MAX_KEPT_RUNS = 4_096

/** An entry, as far as it matters to who reads what stands in it. */
export interface Source {
  /** The sealer's salt as hex. */
  readonly sealer: string
  /** Where it stands in the log; 0: before all of it, in a checkpoint. */
  readonly sequence: number
  /** It heals the log: it is a member's copy of what the log lacks (flag 4). */
  readonly isRepair: boolean
  /** It stands behind what its sealer sealed after it: it was given up before it came. */
  readonly isLate: boolean
}

/** In place of a salt, for what a checkpoint holds: it was sealed by one member, and written by many. */
export const CHECKPOINT_SEALER = 'checkpoint'

interface Kept extends IdRun {
  readonly source: Source
}

/** What became of kept deletes when their structs came. */
export interface Settled {
  readonly applies: readonly IdRun[]
  /** Deleted before it was written: who did that can only have meant harm. */
  readonly dropped: readonly Kept[]
}

/**
 * Deletes of ids that neither the log before them nor their own entry holds. Yjs would keep them for ever and delete whatever is written under those ids
 * later: one small update takes all future words of a member away. But where an entry was lost, an honest delete of what stood in it comes early too. What
 * tells the two apart is how the structs come: late, before the delete in the log's order, or as a repair. All of that stands in the log, so that every
 * reader decides alike.
 */
export class EarlyDeletes {
  #kept = new Map<number, Kept[]>()
  #runs = 0

  /** The deletes of an update that are early. `logState`: of the log before it. */
  static of({ structs, deletes }: Pick<ScannedUpdate, 'structs' | 'deletes'>, logState: LogState): IdRun[] {
    const early: IdRun[] = []
    let own: IdRanges | undefined
    for (const { client, clock, length } of deletes) {
      // A checkpoint has thousands, all of what stands in itself.
      if (own?.has(client, clock, length)) continue
      for (const [start, count] of logState.missingStructs(client, clock, length)) {
        own ??= IdRanges.of(structs)
        for (const [from, left] of own.missing(client, start, count)) early.push({ client, clock: from, length: left })
      }
    }
    return early
  }

  /** False: more than can be kept. */
  keep(early: readonly IdRun[], source: Source): boolean {
    for (const run of early) {
      if (this.#runs >= MAX_KEPT_RUNS) return false
      this.#runs++
      const ofClient = this.#kept.get(run.client)
      if (ofClient === undefined) this.#kept.set(run.client, [{ ...run, source }])
      else ofClient.push({ ...run, source })
    }
    return true
  }

  /** These structs have come with an entry; of the kept deletes those that speak of them are kept no longer. */
  settle(structs: readonly IdRun[], { sequence, isRepair, isLate }: Source): Settled {
    const applies: IdRun[] = []
    const dropped: Kept[] = []
    if (this.#runs === 0) return { applies, dropped }
    for (const struct of structs) {
      const kept = this.#kept.get(struct.client)
      if (kept === undefined) continue
      const left: Kept[] = []
      for (const each of kept) {
        const common = overlap(each, struct)
        if (common === undefined) {
          left.push(each)
          continue
        }
        if (isRepair || isLate || sequence <= each.source.sequence) applies.push(common)
        else dropped.push({ ...common, source: each.source })
        for (const rest of without(each, [struct])) left.push({ ...rest, source: each.source })
      }
      this.#runs += left.length - kept.length
      if (left.length === 0) this.#kept.delete(struct.client)
      else this.#kept.set(struct.client, left)
    }
    return { applies, dropped }
  }

  clear(): void {
    this.#kept.clear()
    this.#runs = 0
  }
}

function overlap(a: IdRun, b: IdRun): IdRun | undefined {
  const clock = Math.max(a.clock, b.clock)
  const end = Math.min(a.clock + a.length, b.clock + b.length)
  return a.client === b.client && clock < end ? { client: a.client, clock, length: end - clock } : undefined
}

/** The parts of a run that are in none of the others. */
function without(run: IdRun, others: readonly IdRun[]): IdRun[] {
  let parts = [run]
  for (const other of others) {
    if (other.client !== run.client) continue
    parts = parts.flatMap((part) => {
      const common = overlap(part, other)
      if (common === undefined) return [part]
      const { client } = part
      const before = { client, clock: part.clock, length: common.clock - part.clock }
      const end = common.clock + common.length
      return [before, { client, clock: end, length: part.clock + part.length - end }].filter(({ length }) => length > 0)
    })
  }
  return parts
}
