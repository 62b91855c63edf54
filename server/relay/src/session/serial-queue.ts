/** Carries out one task after the other; a bounded number may wait. */
export class SerialQueue {
  readonly #maxWaiting: number
  readonly #waiting: (() => Promise<void>)[] = []
  #isBusy = false

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting
  }

  /** Whether the task was taken. A task handles its own failures. */
  add(task: () => Promise<void>): boolean {
    if (this.#isBusy && this.#waiting.length >= this.#maxWaiting) return false
    this.#waiting.push(task)
    if (!this.#isBusy) void this.#run()
    return true
  }

  /** A task that is always taken: the last one of a queue that gets no more. */
  addLast(task: () => Promise<void>): void {
    this.#waiting.push(task)
    if (!this.#isBusy) void this.#run()
  }

  async #run(): Promise<void> {
    this.#isBusy = true
    for (let task = this.#waiting.shift(); task; task = this.#waiting.shift()) await task()
    this.#isBusy = false
  }
}
