import type { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import type { SealedProviderOptions } from '../options.ts'
import { SealedProvider } from '../provider.ts'
import type { FirstSync } from './first-sync.ts'
import { firstSyncOf } from './first-sync.ts'

/** React may render and never mount: what was opened for that is let go of after this long. Mounting takes it milliseconds. */
const UNMOUNTED_MS = 30_000

/** A document that is open for the components that use it. */
export interface SealedDocument {
  readonly doc: Y.Doc
  readonly provider: SealedProvider
  readonly awareness: Awareness
}

/**
 * One document and its provider, shared by all components that show it. It connects with the first of them, and is let go of a turn after the last one
 * (StrictMode unmounts and mounts again in one turn), but not before everything that was typed is at the relay.
 */
export class HeldDocument implements SealedDocument {
  readonly doc = new Y.Doc()
  readonly provider: SealedProvider
  readonly #onGone: () => void
  #uses = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #firstSync: FirstSync | undefined
  #isGone = false

  constructor(url: string, room: string, options: SealedProviderOptions, onGone: () => void) {
    this.#onGone = onGone
    this.provider = new SealedProvider(url, room, this.doc, { ...options, connect: false })
    // Others may still wait for the last edits when nobody shows the document any more.
    this.provider.on('sync-status', this.#letGoIfUnused)
    this.#letGoLater(UNMOUNTED_MS)
  }

  get awareness(): Awareness {
    return this.provider.awareness
  }

  get isGone(): boolean {
    return this.#isGone
  }

  /** A component shows it; what is returned says that it does so no more. */
  retain(): () => void {
    clearTimeout(this.#timer)
    this.#uses++
    if (!this.provider.shouldConnect) this.provider.connect()
    let isRetained = true
    return () => {
      if (!isRetained) return
      isRetained = false
      this.#uses--
      if (this.#uses === 0) this.#letGoLater(0)
    }
  }

  /** For a component that renders only what is complete: throws what React's Suspense waits for, or the problem that stands in the way. */
  requireSynced(): void {
    if (this.provider.synced || this.#firstSync?.is === 'synced') return
    // React then sends the fallback of the nearest Suspense, and the browser renders what is in it.
    if (this.#isGone) throw new Error('y-sealed: a document that is to be complete is rendered in the browser only')
    if (this.#firstSync === undefined) {
      // It is not mounted before it has something to show.
      clearTimeout(this.#timer)
      if (this.#uses === 0) this.provider.connect()
      this.#firstSync = firstSyncOf(this.provider, () => this.#waited())
    }
    throw this.#firstSync.is === 'barred' ? this.#firstSync.error : this.#firstSync.settled
  }

  destroy(): void {
    clearTimeout(this.#timer)
    this.#isGone = true
    this.#onGone()
    this.provider.destroy()
    this.doc.destroy()
  }

  #waited(): void {
    if (this.#uses === 0) this.#letGoLater(this.#firstSync?.is === 'barred' ? 0 : UNMOUNTED_MS)
    // React renders once more, in the turn in which it sees the problem; who tries again later starts anew.
    if (this.#firstSync?.is === 'barred') setTimeout(() => (this.#firstSync = undefined), 0)
  }

  #letGoLater(afterMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#letGo, afterMs)
  }

  readonly #letGo = (): void => {
    this.#timer = undefined
    this.#letGoIfUnused()
  }

  readonly #letGoIfUnused = (): void => {
    if (this.#uses > 0 || this.#timer !== undefined || this.#isGone || this.provider.hasUnsyncedChanges) return
    if (this.#firstSync?.is === 'waiting') return
    this.destroy()
  }
}
