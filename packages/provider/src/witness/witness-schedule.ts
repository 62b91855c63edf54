import type { Clock } from '@y-sealed/key-client'

/** A witness is due this long after an entry that it could cover, each member drawing its own lot: whoever comes first speaks for all (protocol §7). */
const MIN_DELAY_MS = 20_000
const MAX_DELAY_MS = 40_000
/** With two, each of the two who make them is verified by the other, and everybody else by both. More would say nothing new, however many are here. */
const ENOUGH_OTHERS = 2

export interface WitnessSchedulePorts {
  readonly clock: Clock
  /** 0 to 1. */
  random(): number
  /** The session is complete, and may append. */
  mayMake(): boolean
  onDue(): void
}

/** When this member says what it has seen: some time after somebody has written, unless that has been said often enough. A witness asks for none. */
export class WitnessSchedule {
  readonly #ports: WitnessSchedulePorts
  /** Sequence of the newest that is to be witnessed. */
  #newest = 0
  /** The updates through here wait for witnesses; undefined: none do. */
  #wanted: number | undefined
  /** How far others have witnessed, by sealer: only what counts for what waits. */
  readonly #others = new Map<string, number>()
  #timer: unknown

  constructor(ports: WitnessSchedulePorts) {
    this.#ports = ports
  }

  /** There is something that a witness could cover, and that too few cover. */
  get isWanted(): boolean {
    return this.#wanted !== undefined
  }

  /** Somebody has written, or a checkpoint through there takes the place of what was witnessed before. */
  wrote(sequence: number): void {
    this.#newest = Math.max(this.#newest, sequence)
    if (this.#wanted === undefined) this.#want()
  }

  /** Somebody else has seen the same log through there. */
  othersWitnessed(sealer: string, sequence: number): void {
    if (this.#wanted === undefined || sequence < this.#wanted) return
    this.#others.set(sealer, sequence)
    if (this.#others.size >= ENOUGH_OTHERS) this.#covered(Math.min(...this.#others.values()))
  }

  /** This member's own witness stands in the log. */
  witnessed(sequence: number): void {
    if (this.#wanted !== undefined && sequence >= this.#wanted) this.#covered(sequence)
  }

  /** The session may append again; what was asked for before is forgotten with the one before. */
  resume(): void {
    if (this.#wanted !== undefined) this.#wait()
  }

  pause(): void {
    this.#ports.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** The reader begins anew, or goes on into another epoch: its record says what was before. */
  clear(): void {
    this.pause()
    this.#newest = 0
    this.#wanted = undefined
    this.#others.clear()
  }

  #covered(through: number): void {
    this.pause()
    this.#wanted = undefined
    if (this.#newest > through) this.#want()
  }

  #want(): void {
    const wanted = this.#newest
    this.#wanted = wanted
    for (const [sealer, sequence] of this.#others) if (sequence < wanted) this.#others.delete(sealer)
    this.#wait()
  }

  #wait(): void {
    const { clock, random, mayMake, onDue } = this.#ports
    const delayMs = MIN_DELAY_MS + random() * (MAX_DELAY_MS - MIN_DELAY_MS)
    this.#timer ??= clock.setTimeout(() => {
      this.#timer = undefined
      if (mayMake()) onDue()
      else this.#wait()
    }, delayMs)
  }
}
