import type { Clock } from '@y-sealed/key-client'
import type { Down } from '@y-sealed/protocol'
import { SealedError } from '../sealed-error.ts'
import { StallWatch } from '../session/stall-watch.ts'
import type { Question } from './question.ts'

/** What is asked beside the log in one session: one thing after the other, until the session ends. */
export class Questions {
  readonly #stalls: StallWatch
  #open: Question<unknown> | undefined
  #answers = 0
  #turn: Promise<unknown> = Promise.resolve()
  readonly #underWay = new Set<(error: SealedError) => void>()
  #ended: SealedError | undefined

  constructor(clock: Clock) {
    this.#stalls = new StallWatch({
      clock,
      progress: () => (this.#open === undefined ? undefined : String(this.#answers)),
      onStall: () => this.#open?.stop(new SealedError('relay-fault', 'the relay does not answer', 'history')),
    })
  }

  get isOver(): boolean {
    return this.#ended !== undefined
  }

  /** Work that is rejected as soon as the session ends, even while it waits for a key. */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#underWay.add(reject)
      work()
        .then(resolve, reject)
        .finally(() => this.#underWay.delete(reject))
    })
  }

  /** Work that asks, after whatever else did, however that ended. */
  inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => {})
    return turn
  }

  /** Rejects with what the question rejects with, and with `relay-fault` after half a minute without any answer. */
  async ask<Answer>(question: Question<Answer>): Promise<Answer> {
    if (this.#ended !== undefined) throw this.#ended
    this.#open = question
    this.#stalls.start()
    try {
      return await question.start()
    } finally {
      this.#stalls.stop()
      this.#open = undefined
    }
  }

  takes(message: Down): boolean {
    if (this.#open?.takes(message) !== true) return false
    this.#answers++
    return true
  }

  end(error: SealedError): void {
    this.#ended = error
    this.#open?.stop(error)
    for (const reject of this.#underWay) reject(error)
  }
}
