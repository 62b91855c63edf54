/** Some may be garbled by a line, or be of a member whose key is another; so many within a minute are somebody's doing. */
const MAX_UNOPENED = 64
const MINUTE_MS = 60_000

/** Counts what a relay sends that does not open: nobody has to go on listening to garbage. */
export class FloodWatch {
  #times: number[] = []

  /** A session begins. */
  begin(): void {
    this.#times = []
  }

  /** True with the one that is too many, and once. */
  failed(nowMs: number): boolean {
    if (this.#times.length >= MAX_UNOPENED) return false
    this.#times = [...this.#times.filter((time) => nowMs - time < MINUTE_MS), nowMs]
    return this.#times.length >= MAX_UNOPENED
  }
}
