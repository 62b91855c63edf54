/** The tab that keeps the log of a document for all tabs of this browser; each keeps what its own user writes. */
export class Holder {
  #isHeld = false
  #abort: AbortController | undefined
  #release: () => void = () => {}
  readonly #onHeld: () => void

  constructor(onHeld: () => void) {
    this.#onHeld = onHeld
  }

  get isHeld(): boolean {
    return this.#isHeld
  }

  /** Waits until no other tab holds it. Without Web Locks the store itself decides: whoever comes last holds it. */
  request(name: string): void {
    if (this.#isHeld || this.#abort !== undefined) return
    const locks = globalThis.navigator?.locks as LockManager | undefined
    if (locks === undefined) {
      this.#isHeld = true
      this.#onHeld()
      return
    }
    this.#abort = new AbortController()
    const { signal } = this.#abort
    locks
      .request(name, { signal }, () => {
        if (signal.aborted) return
        this.#isHeld = true
        this.#onHeld()
        return new Promise<void>((resolve) => {
          this.#release = resolve
        })
      })
      .catch(() => {
        // Given up, or the browser refuses locks to this page: another tab keeps the log, or none does.
      })
  }

  /** The store was written by another tab: without Web Locks, it is that one's now. */
  yield(): void {
    if (this.#abort === undefined) this.#isHeld = false
  }

  /** A page that may be frozen must not keep it from the others. */
  leave(): void {
    this.#isHeld = false
    this.#abort?.abort()
    this.#abort = undefined
    this.#release()
  }
}
