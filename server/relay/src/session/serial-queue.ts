/** What a queue carries out; without a promise it is over when it returns. */
export type Task = () => Promise<void> | undefined

/** Carries out one task after the other; a bounded number may wait. */
export class SerialQueue {
  readonly #maxWaiting: number
  readonly #onFailure: (error: unknown) => void
  readonly #waiting: Task[] = []
  #isBusy = false

  /** `onFailure`: a task has failed; the next one follows all the same. */
  constructor(maxWaiting: number, onFailure: (error: unknown) => void) {
    this.#maxWaiting = maxWaiting
    this.#onFailure = onFailure
  }

  /** Whether the task was taken. */
  add(task: Task): boolean {
    if (this.#isBusy && this.#waiting.length >= this.#maxWaiting) return false
    this.addLast(task)
    return true
  }

  /** A task that is always taken: the last one of a queue that gets no more. */
  addLast(task: Task): void {
    if (this.#isBusy) this.#waiting.push(task)
    else this.#run(task)
  }

  /** This task, then those that wait; without a promise where none has one: most of what waits for nothing is an append. */
  #run(first: Task): void {
    this.#isBusy = true
    for (let task: Task | undefined = first; task; task = this.#waiting.shift()) {
      const done = this.#begin(task)
      if (!done) continue
      done.then(
        () => this.#goOn(),
        (error: unknown) => {
          this.#onFailure(error)
          this.#goOn()
        },
      )
      return
    }
    this.#isBusy = false
  }

  #goOn(): void {
    const next = this.#waiting.shift()
    if (next) this.#run(next)
    else this.#isBusy = false
  }

  #begin(task: Task): Promise<void> | undefined {
    try {
      return task()
    } catch (error) {
      this.#onFailure(error)
      return undefined
    }
  }
}
