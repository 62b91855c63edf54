import type { SealedError } from '../sealed-error.ts'

/** Callers of `flush()` that wait until everything they wrote is durable. */
export class Flushes {
  #waiting: Array<{ place: number; resolve(): void; reject(error: SealedError): void }> = []

  /** `place`: of the newest update that is waited for, in the outbox's count. What is written later is not. */
  wait(place: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ place, resolve, reject })
    })
  }

  /** Everything through that place is durable. */
  resolve(settledThrough: number): void {
    const done = this.#waiting.filter(({ place }) => place <= settledThrough)
    this.#waiting = this.#waiting.filter(({ place }) => place > settledThrough)
    for (const flush of done) flush.resolve()
  }

  reject(error: SealedError): void {
    for (const flush of this.#takeAll()) flush.reject(error)
  }

  #takeAll() {
    const waiting = this.#waiting
    this.#waiting = []
    return waiting
  }
}
