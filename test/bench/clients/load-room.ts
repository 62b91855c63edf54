import type { RawClient } from './raw-client.ts'

/** The writers of one room, who type as fast as everybody in it hears them. */
export class LoadRoom {
  readonly #clients: readonly RawClient[]
  readonly #onDelivery: (room: LoadRoom) => void
  #next = 0
  typed = 0
  delivered = 0

  constructor(clients: readonly RawClient[], onDelivery: (room: LoadRoom) => void) {
    this.#clients = clients
    this.#onDelivery = onDelivery
    for (const client of clients) {
      client.onKeystrokes = (count) => {
        this.delivered += count
        this.#onDelivery(this)
      }
    }
  }

  /** Every keystroke goes to everybody but its writer. */
  get expected(): number {
    return this.typed * (this.#clients.length - 1)
  }

  /**
   * Types, one writer after the other, until on average so many keystrokes of each writer are on their way. The bound is the room's and
   * counts arrivals at others, so that it means the same for every protocol.
   */
  typeOn(keystrokesInFlightPerWriter: number): void {
    const others = this.#clients.length - 1
    const most = keystrokesInFlightPerWriter * this.#clients.length * others
    while (this.expected - this.delivered < most) {
      this.#clients[this.#next]?.type()
      this.#next = (this.#next + 1) % this.#clients.length
      this.typed++
    }
  }
}
