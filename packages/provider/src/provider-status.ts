import type { Phase } from './session/session-ports.ts'

type Status = 'connecting' | 'connected' | 'disconnected'

export interface ProviderStatusPorts {
  /** Told before the app is. */
  onConnected(): void
  tellStatus(status: Status): void
  tellSynced(synced: boolean): void
}

/** What a session's phases mean to the app, in y-websocket's words. */
export class ProviderStatus {
  /** Resolves when the document is complete for the first time. */
  readonly whenSynced: Promise<void>
  readonly #ports: ProviderStatusPorts
  #synced = false
  #wsconnected = false
  #hasSynced = false
  #last: Status = 'disconnected'
  #resolveSynced: () => void = () => {}

  constructor(ports: ProviderStatusPorts) {
    this.#ports = ports
    this.whenSynced = new Promise((resolve) => {
      this.#resolveSynced = resolve
    })
  }

  /** The document is complete: every entry of the log has been applied. */
  get synced(): boolean {
    return this.#synced
  }

  get wsconnected(): boolean {
    return this.#wsconnected
  }

  /** It was complete once. */
  get hasSynced(): boolean {
    return this.#hasSynced
  }

  /** The socket is being opened. */
  connecting(): void {
    this.#tell('connecting')
  }

  entered(phase: Phase): void {
    if (phase === 'joining') {
      // On a connection that was open before, nobody has said so yet.
      if (this.#last !== 'connecting') this.#tell('connecting')
    } else if (phase === 'reading' && !this.#wsconnected) {
      this.#wsconnected = true
      this.#ports.onConnected()
      this.#tell('connected')
    } else if (phase === 'live') {
      this.#hasSynced = true
      this.#setSynced(true)
      this.#resolveSynced()
    } else if (phase === 'away' || phase === 'held' || phase === 'halted') {
      this.#setSynced(false)
      if (this.#wsconnected) {
        this.#wsconnected = false
        this.#tell('disconnected')
      }
    }
  }

  /** What is shown is no longer all there is. */
  incomplete(): void {
    this.#setSynced(false)
  }

  #setSynced(synced: boolean): void {
    if (synced === this.#synced) return
    this.#synced = synced
    this.#ports.tellSynced(synced)
  }

  #tell(status: Status): void {
    this.#last = status
    this.#ports.tellStatus(status)
  }
}
