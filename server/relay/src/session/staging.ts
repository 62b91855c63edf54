import type { NewRun } from '../log/log-store.ts'
import type { HeldBytes } from './held-bytes.ts'
import { Refusal } from './refusal.ts'

/** What a session has staged for its request under way. */
export class Staging {
  readonly #held: HeldBytes
  readonly #maxBytes: number
  #request = -1
  #runs: NewRun[] = []
  #bytes = 0

  constructor(held: HeldBytes, maxBytes: number) {
    this.#held = held
    this.#maxBytes = maxBytes
  }

  /** Adds runs and their bytes, which the caller has taken from HeldBytes. What another request has staged is dropped. */
  add(request: number, runs: readonly NewRun[], bytes: number): void {
    this.#begin(request, bytes)
    this.#runs.push(...runs)
    this.#bytes += bytes
  }

  /** What the request has staged, and then these; the bytes of all are the caller's to release. */
  take(request: number, runs: readonly NewRun[], bytes: number): { runs: NewRun[]; bytes: number } {
    this.#begin(request, bytes)
    const taken = { runs: [...this.#runs, ...runs], bytes: this.#bytes + bytes }
    this.#runs = []
    this.#bytes = 0
    return taken
  }

  drop(): void {
    this.#held.release(this.#bytes)
    this.#runs = []
    this.#bytes = 0
  }

  #begin(request: number, bytes: number): void {
    if (request !== this.#request) this.drop()
    this.#request = request
    if (this.#bytes + bytes > this.#maxBytes) throw new Refusal('limit', 'request too large')
  }
}
