import type { Clock } from '@y-sealed/key-client'
import type { CaughtUp, Refused } from '@y-sealed/protocol'
import type { Inbound } from '../inbound/inbound.ts'
import type { Problems } from '../problems.ts'
import type { KnownPlace } from '../sealed-error.ts'
import type { Requests } from './channel.ts'
import { HoleWatch } from './hole-watch.ts'
import { Retry } from './retry.ts'

export interface ReadingPorts {
  readonly clock: Clock
  readonly problems: Problems
  readonly inbound: Inbound
  readonly requests: Requests
  /** There are keys to read with. */
  hasEpoch(): boolean
  /** What is read is the epoch that the relay calls the newest: in another one H is another. */
  readsHead(): boolean
  /** What was asked for is waited for. */
  isAwaited(): boolean
  /** Told before the relay is asked. */
  onRead(): void
  /** All that was asked for is here. */
  onComplete(): void
  /** The relay does not keep what comes next. */
  onPruned(): void
  /** The relay's words do not fit together. */
  distrust(message: string, known?: KnownPlace): void
}

/** What is asked of the log, and whether it has come: everything after the cursor, through the end that the relay names. */
export class Reading {
  readonly #ports: ReadingPorts
  readonly #holes: HoleWatch
  readonly #later: Retry
  /** Request number of the read that is awaited (0: the one that a join begins), and where it ended. */
  #awaited = 0
  #target: number | undefined
  /** The first 8 bytes of H where the read of a join ends; undefined where the epoch is another by now. */
  #targetHash: Uint8Array | undefined
  /** What the relay has left out before. */
  #missing = 0
  /** Where the log ends at the least, by the word of the relay that led to this read: the join's, or a heartbeat's. */
  #named = 0

  constructor(ports: ReadingPorts) {
    this.#ports = ports
    const { clock, problems, inbound, distrust } = ports
    this.#holes = new HoleWatch({
      clock,
      hasHole: () => ports.hasEpoch() && inbound.hasHole,
      onHole: () => this.read(inbound.cursor),
      onStubbornHole: () => {
        const sequence = inbound.cursor + 1
        problems.raise('gap', `the relay leaves out sequence ${sequence}`, 'log', { sequence })
        // On another connection too: it does not have it.
        const isPassed = sequence === this.#missing && inbound.passHole()
        if (!isPassed) distrust('the log has a hole', { sequence })
        this.#missing = sequence
      },
    })
    this.#later = new Retry(clock, () => this.read(inbound.cursor))
  }

  /** A join reads too. */
  begin(): void {
    this.#awaited = 0
    this.#target = undefined
    this.#targetHash = undefined
    this.#named = 0
  }

  /** A join has told where the log ends. */
  expect(sequence: number): void {
    this.#named = sequence
  }

  /** Asks for the entries after a sequence; `named`: where the relay says that they end. */
  read(after: number, named = 0): void {
    const { requests, onRead } = this.#ports
    this.#awaited = requests.nextRequest()
    this.#named = named
    this.#target = undefined
    this.#targetHash = undefined
    onRead()
    requests.send([{ type: 'read', channel: requests.channel(), request: this.#awaited, after, to: 0 }])
  }

  readLater(): void {
    this.#later.soon()
  }

  /** The relay has sent what was asked for, which ends there. */
  caughtUp({ request, sequence, hash }: CaughtUp): void {
    if (request !== this.#awaited) return
    const { inbound, distrust } = this.#ports
    if (sequence < this.#named) {
      distrust(`the relay named sequence ${this.#named} as the end of its log and has no more than ${sequence}`)
      return
    }
    this.#target = sequence
    this.#targetHash = request === 0 ? hash : undefined
    inbound.drain()
  }

  /** The log ends with this client's own entries. */
  endsAt(sequence: number): void {
    this.#target = sequence
    this.#targetHash = undefined
  }

  /** Another epoch is on its way, in which H is another. */
  leaving(): void {
    this.#targetHash = undefined
  }

  /** True if it was the read that the relay refused. */
  takesRefusal({ request, code }: Refused): boolean {
    if (request !== this.#awaited) return false
    // What comes next is not kept any more: the next join begins with a checkpoint.
    if (code === 'pruned') this.#ports.onPruned()
    else if (request !== 0) this.readLater()
    else return false
    return true
  }

  /** The reader has got on. */
  progress(): void {
    const { inbound, isAwaited, onComplete, distrust } = this.#ports
    if (isAwaited()) {
      const hasReached = this.#target !== undefined && inbound.cursor >= this.#target
      if (inbound.cursor === this.#target && this.#isAnotherEnd()) {
        distrust(`the relay's log at sequence ${this.#target} is not the one that was read`)
        return
      }
      if (hasReached && !inbound.isHolding) onComplete()
      else if (inbound.isIdle && inbound.overflowed) {
        inbound.forgetForeign()
        this.read(inbound.cursor)
      }
    }
    this.#holes.look()
  }

  #isAnotherEnd(): boolean {
    const { inbound, readsHead } = this.#ports
    return this.#targetHash !== undefined && readsHead() && !inbound.accepts(this.#targetHash)
  }

  /** The relay says where its log ends, while nothing is on its way. */
  heartbeat(sequence: number, hash: Uint8Array): void {
    const { inbound, distrust } = this.#ports
    const { cursor } = inbound
    if (!inbound.isIdle) return
    // A fan-out was lost on its way: nobody else would ever say so.
    if (sequence > cursor) this.read(cursor, sequence)
    else if (sequence < cursor || !inbound.accepts(hash)) {
      const message = `the relay's log is at sequence ${sequence}, this device has read ${cursor}, and they do not fit`
      distrust(message, { sequence: cursor })
    }
  }

  stop(): void {
    this.#holes.stop()
    this.#later.stop()
  }
}
