import type { Sealer } from '@y-sealed/envelope'
import type { Clock } from '@y-sealed/key-client'
import type { Epoch } from './epoch.ts'
import { createWireSealer } from './wire-sealer.ts'

/** The one wire sealer that a session has in use (protocol §3). */
export class CurrentSealer {
  readonly #padding: boolean
  readonly #clock: Clock
  #sealer: Sealer | undefined
  #isRenewing = false
  /** Rises whenever the one in use, or in the making, is not to be used any more. */
  #life = 0

  constructor({ padding, clock }: { padding: boolean; clock: Clock }) {
    this.#padding = padding
    this.#clock = clock
  }

  get sealer(): Sealer | undefined {
    return this.#sealer
  }

  get isRenewing(): boolean {
    return this.#isRenewing
  }

  /** The one in use goes on until the new one is here. */
  async renew(epoch: Epoch): Promise<void> {
    const life = this.#life
    this.#isRenewing = true
    const sealer = await createWireSealer(epoch, this.#padding, this.#clock)
    if (life !== this.#life) sealer.retire()
    else this.use(sealer)
  }

  use(sealer: Sealer): void {
    this.leave()
    this.#sealer = sealer
  }

  /** Nothing more is sealed under it: the epoch or the session ends. */
  leave(): void {
    this.#life++
    this.#isRenewing = false
    this.#sealer?.retire()
    this.#sealer = undefined
  }
}
