import type * as Y from 'yjs'
import type { Epoch } from '../epoch/epoch.ts'
import { CoveredLog, wholeLog } from '../log-state/covered-log.ts'
import { difference } from '../log-state/difference.ts'
import type { LogState } from '../log-state/log-state.ts'
import type { Covered } from './rotation-attempt.ts'

export interface CoveringPorts {
  readonly doc: Y.Doc
  readonly logState: LogState
  /** The epoch whose log it is. */
  readonly epoch: Epoch
  /** Where the reader stands. `isWhole`: nothing of the log before it is held back. */
  reader(): { readonly cursor: number; readonly hash: Uint8Array; readonly isWhole: boolean }
  /** The log of an epoch through a sequence, as a document of its own. */
  openLog(epoch: Epoch, sequence: number): Promise<Y.Doc>
  /** The log has to be fetched: how long that takes is a matter of its size. */
  onFetch(): void
  /** Once per `restart`, unless that comes again. */
  onCovered(covered: Covered, isOvertaken: () => boolean): Promise<void>
  run(work: Promise<void>): void
}

/** What a new epoch begins with: the log through one sequence, without what is not in it yet; and what it gets from then on. */
export class Covering {
  readonly #ports: CoveringPorts
  /** Nothing more is appended by this client. */
  #isClosed: boolean
  #log: CoveredLog | undefined
  #isUnderWay = false
  #life = 0

  constructor(ports: CoveringPorts, isClosed: boolean) {
    this.#ports = ports
    this.#isClosed = isClosed
  }

  restart(): void {
    this.#log?.destroy()
    this.#log = undefined
    this.#isUnderWay = false
    this.#life++
    this.go()
  }

  close(): void {
    this.#isClosed = true
  }

  /** Once the reader is where it can be told what the log holds. */
  go(): void {
    const { doc, logState, reader, onFetch, onCovered, run } = this.#ports
    const { cursor: sequence, hash, isWhole } = reader()
    if (!isWhole || this.#isUnderWay) return
    if (this.#isClosed && difference(doc, logState) !== undefined) {
      // What this device's user typed cannot enter this epoch's log any more: it waits for the next one.
      this.#isUnderWay = true
      this.#log?.destroy()
      this.#log = CoveredLog.from(doc, logState)
      onFetch()
      run(this.#fetch({ sequence, hash }))
      return
    }
    this.#log ??= new CoveredLog(doc, logState)
    const whole = this.#log.take()
    if (whole === undefined) return
    this.#isUnderWay = true
    run(onCovered({ ...whole, sequence, hash }, this.#overtaken()))
  }

  /** An update has entered the log state. */
  note(update: Uint8Array): void {
    this.#log?.note(update)
  }

  /** What entered the log since, in order; each update once. */
  takeTail(): Uint8Array[] {
    return this.#log?.takeTail() ?? []
  }

  destroy(): void {
    this.#log?.destroy()
    this.#log = undefined
  }

  async #fetch(at: { sequence: number; hash: Uint8Array }): Promise<void> {
    const { epoch, openLog, onCovered } = this.#ports
    const isOvertaken = this.#overtaken()
    const log = await openLog(epoch, at.sequence)
    const whole = wholeLog(log)
    log.destroy()
    if (!isOvertaken()) await onCovered({ ...whole, ...at }, isOvertaken)
  }

  #overtaken(): () => boolean {
    const life = this.#life
    return () => life !== this.#life
  }
}
