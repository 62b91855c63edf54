import { LoadRoom } from './load-room.ts'
import type { RawClient } from './raw-client.ts'

export interface Totals {
  readonly typed: number
  readonly delivered: number
  readonly expected: number
}

/** All rooms of a load process, and which of them have heard something since they last typed. */
export class LoadRooms {
  readonly #rooms: readonly LoadRoom[]
  readonly #hungry = new Set<LoadRoom>()
  #wake: (() => void) | undefined

  constructor(clients: readonly (readonly RawClient[])[]) {
    this.#rooms = clients.map(
      (members) =>
        new LoadRoom(members, (room) => {
          this.#hungry.add(room)
          this.#wake?.()
          this.#wake = undefined
        }),
    )
  }

  /** Everybody may type, whatever they have heard. */
  beginAgain(): void {
    for (const room of this.#rooms) this.#hungry.add(room)
  }

  typeOn(keystrokesInFlightPerWriter: number): void {
    for (const room of this.#hungry) room.typeOn(keystrokesInFlightPerWriter)
    this.#hungry.clear()
  }

  /** Resolves at the end of the turn of the event loop in which something arrives: what else it brings is then there too. */
  async nextArrivals(): Promise<void> {
    if (this.#hungry.size === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    await new Promise((resolve) => setImmediate(resolve))
  }

  get totals(): Totals {
    let typed = 0
    let delivered = 0
    let expected = 0
    for (const room of this.#rooms) {
      typed += room.typed
      delivered += room.delivered
      expected += room.expected
    }
    return { typed, delivered, expected }
  }
}
