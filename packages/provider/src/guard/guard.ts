import type * as Y from 'yjs'
import { shortName } from '../hex.ts'
import { encodeDeletes, runsWithout, withDeletes } from '../log-state/delete-set.ts'
import type { LogState } from '../log-state/log-state.ts'
import type { KnownPlace } from '../sealed-error.ts'
import { CHECKPOINT_SEALER, EarlyDeletes, type Source } from './early-deletes.ts'
import { MAX_TYPE_DEPTH, MAX_VALUE_DEPTH } from './guard-limits.ts'
import { Nesting } from './nesting.ts'
import { type Refusal, type ScannedUpdate, scanUpdate, UnusableUpdate } from './scan-update.ts'
import { type UpdateWithScan, withoutKnown } from './without-known.ts'

/** What of an update may reach the document and counts as in the log. */
export interface Admitted extends Pick<ScannedUpdate, 'structs' | 'deletes'> {
  readonly update: Uint8Array
}

export interface GuardPorts {
  readonly doc: Y.Doc
  readonly logState: LogState
  /** A member did what no honest one does; who, and where in the log, as far as that is known. */
  onFault(message: string, known: KnownPlace): void
}

/**
 * Stands between the log and Yjs, for every reader alike: who holds the document key may seal any bytes, and Yjs believes them. Its verdicts depend on the
 * update's bytes and on the log before it, and on nothing else. What it refuses counts as an empty entry.
 */
export class Guard {
  readonly #ports: GuardPorts
  readonly #nesting: Nesting
  readonly #early = new EarlyDeletes()

  constructor(ports: GuardPorts) {
    this.#ports = ports
    this.#nesting = new Nesting(ports.doc)
  }

  /** Undefined: refused, and told of. What is admitted is to be applied and added to the log state before the next one is asked about. */
  admit(sealed: Uint8Array, source: Source): Admitted | undefined {
    const known = this.#scan(sealed, this.#ports.logState)
    if (typeof known === 'string') {
      this.#fault(`${REFUSALS[known]}: all of it was left out`, source)
      return undefined
    }
    const { scanned, update } = known
    const early = EarlyDeletes.of(scanned, this.#ports.logState)
    if (early.length === 0) return { structs: scanned.structs, deletes: scanned.deletes, update }
    if (!this.#early.keep(early, source)) {
      this.#fault('more deletes of what was never written than can be kept: left out', source)
    }
    const deletes = runsWithout(scanned.deletes, early)
    return { structs: scanned.structs, deletes, update: withDeletes(update, scanned, deletes) }
  }

  /** An admitted update has entered the log. What it brings may have been deleted before: then that is an update of its own. */
  entered({ structs }: Admitted, source: Source): Admitted | undefined {
    const { applies, dropped } = this.#early.settle(structs, source)
    for (const { source: by } of dropped) {
      this.#fault('what nobody had written yet was deleted: left as it is', by)
    }
    return applies.length === 0 ? undefined : { structs: [], deletes: applies, update: encodeDeletes(applies) }
  }

  /** Why the others would refuse an update of this client; undefined if they would not. */
  refusalOf(update: Uint8Array): string | undefined {
    const scanned = this.#scan(update)
    return typeof scanned === 'string' ? REFUSALS[scanned] : undefined
  }

  /** Another log begins, or the next epoch of this one: what an entry of the last one deleted too early has no meaning there. */
  clear(): void {
    this.#early.clear()
    this.#nesting.forget()
  }

  #fault(message: string, source: Source): void {
    const known = knownOf(source)
    const by = known.sealer === undefined ? 'a checkpoint' : `sealer ${known.sealer}`
    this.#ports.onFault(`${message} (${by}, sequence ${source.sequence})`, known)
  }

  /** `logState`: of the log before it, which cuts it. */
  #scan(update: Uint8Array, logState?: LogState): UpdateWithScan | Refusal {
    try {
      const scanned = scanUpdate(update)
      if (scanned.hasTypes && this.#nesting.isTooDeep(update)) return 'nesting'
      return logState === undefined ? { update, scanned } : withoutKnown(update, scanned, logState)
    } catch (error) {
      if (error instanceof UnusableUpdate) return error.refusal
      throw error
    }
  }
}

const REFUSALS: Record<Refusal, string> = {
  malformed: 'a sealed update is no Yjs update',
  clock: 'a sealed update counts further than anybody can have written',
  overlap: 'a sealed update ends amid ids that the log has already',
  nesting: `a sealed update nests more than ${MAX_VALUE_DEPTH} values or ${MAX_TYPE_DEPTH} types`,
}

/** What a problem names of where an update came from. */
export function knownOf({ sealer, sequence }: Source): KnownPlace {
  return sealer === CHECKPOINT_SEALER ? { sequence } : { sequence, sealer: shortName(sealer) }
}
