import type { Witness } from '@y-sealed/envelope'
import type { Clock } from '@y-sealed/key-client'
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

  /** Who has appended vouches; who only reads leaves no trace. */
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

  /** The session is over. */
  stop(): void {
    this.#life++
    this.#ports.clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#seen = undefined
    this.#good = undefined
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
    const compared = known.isOpenedFromNewest ? this.#compareWithBase(epoch, life) : this.#compareWithLog(epoch, life)
    compared.then(
      (isWhole) => {
        if (life !== this.#life || isWhole === undefined) return
        problems.count('checkpoints-checked')
        this.#good = newest.checkpoint
        if (!isWhole) {
          problems.raise(
            'checkpoint-incomplete',
            'a checkpoint lacks some of the log: it is published again',
            'checkpoint',
          )
          this.#ports.heal()
        }
        this.#name()
      },
      (error: unknown) => {
        // The session has ended, or what it was to be compared with is gone: another member, or the next session, may have more luck.
        if (life !== this.#life || (error instanceof SealedError && QUIET.has(error.code))) return
        const { code, message } = error instanceof SealedError ? error : INTERNAL
        problems.raise(code, message, 'checkpoint')
      },
    )
  }

  /** This member began with it: what the one before and the log between give must be in what it has read. Undefined if overtaken. */
  async #compareWithBase(epoch: Epoch, life: number): Promise<boolean | undefined> {
    const { doc, origin, logState, known } = this.#ports
    const { base, newest } = known
    if (newest === undefined) return undefined
    const rebuilt = await this.#ports.history().rebuild(epoch, base, newest)
    try {
      if (life !== this.#life) return undefined
      if (LogState.of(rebuilt).minus(logState).isEmpty) return true
      const missing = difference(rebuilt, logState)
      if (missing !== undefined) Y.applyUpdate(doc, missing, origin)
      return false
    } finally {
      rebuilt.destroy()
    }
  }

  /** This member knows the log without it: what it and the log behind it give must be all of that. Undefined if overtaken. */
  async #compareWithLog(epoch: Epoch, life: number): Promise<boolean | undefined> {
    const { logState, known, reader } = this.#ports
    const { newest } = known
    const { cursor: sequence, hash } = reader()
    const read = logState.copy()
    const rebuilt = await this.#ports.history().rebuild(epoch, newest, { sequence, hash })
    const lacking = read.minus(LogState.of(rebuilt))
    rebuilt.destroy()
    if (life !== this.#life) return undefined
    // Who begins with that checkpoint does not have it: for them it is not in the log.
    logState.removeAll(lacking)
    return lacking.isEmpty
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

/** Nobody's fault, or told of elsewhere. */
const QUIET: ReadonlySet<string> = new Set(['interrupted', 'pruned', 'withheld'])

const INTERNAL = new SealedError('internal', 'a checkpoint could not be checked', 'checkpoint')
