interface Waiting {
  readonly name: string
  readonly grant: () => void
}

/** `navigator.locks` of all tabs of a browser; a test may have them be slow. */
export class WebLocks {
  /** Nothing is granted before `grant()`. */
  isSlow = false
  readonly #held = new Set<string>()
  #waiting: Waiting[] = []

  /** To be `navigator`. */
  get navigator(): { readonly locks: Pick<LockManager, 'request'> } {
    const request = (name: string, { signal }: LockOptions, act: () => Promise<unknown>) =>
      new Promise<unknown>((resolve, reject) => {
        const waiting: Waiting = {
          name,
          grant: () => {
            this.#held.add(name)
            const given = Promise.resolve().then(act)
            given.then(resolve, reject)
            given.finally(() => {
              this.#held.delete(name)
              this.#look()
            })
          },
        }
        signal?.addEventListener('abort', () => {
          this.#waiting = this.#waiting.filter((each) => each !== waiting)
          reject(signal.reason)
        })
        this.#waiting.push(waiting)
        this.#look()
      })
    return { locks: { request: request as LockManager['request'] } }
  }

  grant(): void {
    this.isSlow = false
    this.#look()
  }

  #look(): void {
    if (this.isSlow) return
    const next = this.#waiting.find(({ name }) => !this.#held.has(name))
    if (next === undefined) return
    this.#waiting = this.#waiting.filter((each) => each !== next)
    next.grant()
    this.#look()
  }
}
