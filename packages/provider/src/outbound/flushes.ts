import type { SealedError } from '../sealed-error.ts'

/** Callers of `flush()` that wait until everything they wrote is durable. */
export class Flushes {
  #waiting: Array<{ resolve(): void; reject(error: SealedError): void }> = []

  wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
    })
  }

  resolve(): void {
    for (const flush of this.#takeAll()) flush.resolve()
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
