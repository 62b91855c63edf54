export interface PageLifePorts {
  readonly warnOnClose: boolean
  hasUnsyncedChanges(): boolean
  /** The page may never run again: send what can be sent in this turn. */
  onHide(): void
  /** The page came back from the back/forward cache, with the memory it had. */
  onRestored(): void
}

/** What a browser page goes through; in Node there is no page and nothing is listened to. */
export class PageLife {
  readonly #ports: PageLifePorts
  readonly #page: Window | undefined

  constructor(ports: PageLifePorts) {
    this.#ports = ports
    this.#page = typeof window === 'undefined' ? undefined : window
    this.#page?.addEventListener('pagehide', this.#onHide)
    this.#page?.addEventListener('pageshow', this.#onShow)
    if (ports.warnOnClose) this.#page?.addEventListener('beforeunload', this.#onBeforeUnload)
  }

  destroy(): void {
    this.#page?.removeEventListener('pagehide', this.#onHide)
    this.#page?.removeEventListener('pageshow', this.#onShow)
    this.#page?.removeEventListener('beforeunload', this.#onBeforeUnload)
  }

  readonly #onHide = (): void => this.#ports.onHide()

  readonly #onShow = (event: PageTransitionEvent): void => {
    if (event.persisted) this.#ports.onRestored()
  }

  readonly #onBeforeUnload = (event: BeforeUnloadEvent): void => {
    if (this.#ports.hasUnsyncedChanges()) event.preventDefault()
  }
}
