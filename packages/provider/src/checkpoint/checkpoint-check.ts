import type { Witness } from '@y-sealed/envelope'
import type { Clock } from '@y-sealed/key-client'
import type { Place } from '@y-sealed/protocol'
import * as Y from 'yjs'
import type { Epoch } from '../epoch/epoch.ts'
import { equalBytes } from '../hex.ts'
import type { History } from '../history/history.ts'
import { difference } from '../log-state/difference.ts'
import { LogState } from '../log-state/log-state.ts'
import type { Problems } from '../problems.ts'
import { SealedError } from '../sealed-error.ts'
import type { KnownCheckpoints } from './known-checkpoints.ts'

/** A check downloads the document: the members of a room draw lots, and one is enough (protocol §7). */
const MAX_DELAY_MS = 60_000

export interface CheckpointCheckPorts {
  readonly doc: Y.Doc
  readonly origin: object
  readonly logState: LogState
  readonly known: KnownCheckpoints
  readonly clock: Clock
  readonly problems: Problems
  history(): History
  /** The epoch of a session that is complete and may write; undefined otherwise. */
  liveEpoch(): Epoch | undefined
  reader(): { readonly cursor: number; readonly hash: Uint8Array; readonly isWhole: boolean }
  /** What the document holds and the log lacks is to be published, as a repair. */
  heal(): void
  /** Everything that was to be published is in the log. */
  isSettled(): boolean
  /** To be appended with what is sent next; asked for it in that moment. */
  witness(make: () => Witness | undefined): void
}

/**
 * Compares the newest checkpoint with what this member knows of the log without it, and names it in a witness: only then may the relay drop the log
 * that it stands for (protocol §7). What it lacks is published again, and `checkpoint-incomplete` told.
 */
export class CheckpointCheck {
  readonly #ports: CheckpointCheckPorts
  #timer: unknown
  /** Looked at, or being looked at. */
  #seen: Uint8Array | undefined
  /** Found whole, or healed: to be named as soon as everything is in the log. */
  #good: Uint8Array | undefined
  #hasAppended = false
  #life = 0

  constructor(ports: CheckpointCheckPorts) {
    this.#ports = ports
  }

  /** Who has appended vouches, be it only what they have seen; who may only read leaves no trace. */
  appended(): void {
    this.#hasAppended = true
    this.look()
    this.#name()
  }

  /** There may be something to check. */
  look(): void {
    if (this.#timer !== undefined || !this.#isDue()) return
    this.#timer = this.#ports.clock.setTimeout(() => {
      this.#timer = undefined
      if (this.#isDue()) this.#check()
    }, Math.random() * MAX_DELAY_MS)
  }

  /** The reader begins anew, or goes on into another epoch. */
  leave(): void {
    this.#life++
    this.#ports.clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#seen = undefined
    this.#good = undefined
  }

  /** The session is over. */
  stop(): void {
    this.leave()
    this.#hasAppended = false
  }

  /** Somebody else made the newest, nobody vouches for it, and this member has something to compare it with. */
  #isDue(): boolean {
    const { known, liveEpoch, reader } = this.#ports
    const { newest } = known
    if (!this.#hasAppended || newest === undefined || liveEpoch() === undefined) return false
    if (known.isNewestNamed || known.isNewestOwn) return false
    if (this.#seen !== undefined && equalBytes(this.#seen, newest.checkpoint)) return false
    return reader().isWhole && reader().cursor >= newest.sequence
  }

  #check(): void {
    const { known, liveEpoch, problems } = this.#ports
    const { newest } = known
    const epoch = liveEpoch()
    if (newest === undefined || epoch === undefined) return
    const life = ++this.#life
    this.#seen = newest.checkpoint
    this.#compare(epoch, newest, life).then(
      (difference) => {
        if (life !== this.#life || difference === undefined) return
        problems.count('checkpoints-checked')
        this.#good = newest.checkpoint
        if (difference.isIncomplete)
          problems.raise('checkpoint-incomplete', 'a checkpoint lacks some of the log: it is published again', WHERE)
        if (difference.isForeign)
          problems.raise('member-fault', 'a checkpoint holds what the log does not: it is published', WHERE)
        if (difference.isIncomplete || difference.isForeign) this.#ports.heal()
        this.#name()
      },
      (error: unknown) => {
        // The session has ended, or what it was to be compared with is gone: another member, or the next session, may have more luck.
        if (life !== this.#life || (error instanceof SealedError && QUIET.has(error.code))) return
        const { code, message } = error instanceof SealedError ? error : INTERNAL
        problems.raise(code, message, WHERE)
      },
    )
  }

  /**
   * Reads the log again beside the session, by the way that this member has not come: through the newest checkpoint, or, where it began with that one,
   * through the one before and the log between. What only one of the two gives is then in the document, and not in the log state: it is not in the log
   * for everybody. Undefined if overtaken.
   */
  async #compare(epoch: Epoch, newest: Place, life: number): Promise<Difference | undefined> {
    const { doc, origin, logState, known, reader, history } = this.#ports
    const isOpenedFromIt = known.isOpenedFromNewest
    const read = logState.whole()
    const { cursor: sequence, hash } = reader()
    const other = await history().rebuild(epoch, isOpenedFromIt ? known.base : newest, { sequence, hash })
    try {
      if (life !== this.#life) return undefined
      const there = LogState.of(other).whole()
      const missingHere = there.minus(read)
      const missingThere = read.minus(there)
      logState.removeAll(missingThere)
      if (!missingHere.isEmpty) {
        const update = difference(other, logState)
        if (update !== undefined) Y.applyUpdate(doc, update, origin)
      }
      const [lacking, foreign] = isOpenedFromIt ? [missingHere, missingThere] : [missingThere, missingHere]
      return { isIncomplete: !lacking.isEmpty, isForeign: !foreign.isEmpty }
    } finally {
      other.destroy()
    }
  }

  #name(): void {
    const { known, clock, witness, isSettled, problems } = this.#ports
    const good = this.#good
    if (good === undefined || !isSettled()) return
    this.#good = undefined
    witness(() => {
      const { cursor: sequence, hash } = this.#ports.reader()
      if (known.isNewestNamed || known.newest === undefined || !equalBytes(known.newest.checkpoint, good))
        return undefined
      problems.count('checkpoints-named')
      return { sequence, hash, checkpoint: good, unixMs: clock.now() }
    })
  }
}

/** What a checkpoint lacks of the log, and what it holds that the log does not. */
interface Difference {
  readonly isIncomplete: boolean
  readonly isForeign: boolean
}

const WHERE = 'checkpoint'

/** Nobody's fault, or told of elsewhere. */
const QUIET: ReadonlySet<string> = new Set(['interrupted', 'pruned', 'withheld'])

const INTERNAL = new SealedError('internal', 'a checkpoint could not be checked', WHERE)
