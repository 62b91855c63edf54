import type { Clock } from '../clock.ts'
import { type Rate, TokenBucket } from '../token-bucket.ts'

// 200 B each. Those who joined little are forgotten first.
const MAX_CLIENTS = 10_000

/**
 * How often tokens are looked at: each costs a signature, and a stranger can send any number. Counted for each connection, and
 * for all connections of a client, where that is known.
 */
export class JoinRates {
  readonly #clock: Clock
  readonly #ofConnection: Rate
  readonly #ofClient: Rate
  readonly #byClient = new Map<string, TokenBucket>()

  constructor(clock: Clock, ofConnection: Rate, ofClient: Rate) {
    this.#clock = clock
    this.#ofConnection = ofConnection
    this.#ofClient = ofClient
  }

  /** What a new connection asks before each of its joins: whether it may. */
  connect(client: string | undefined): () => boolean {
    const own = new TokenBucket(this.#clock, this.#ofConnection)
    return () => own.take() && (client === undefined || this.#take(client))
  }

  #take(client: string): boolean {
    const bucket = this.#byClient.get(client) ?? new TokenBucket(this.#clock, this.#ofClient)
    const isTaken = bucket.take()
    // The newest last.
    this.#byClient.delete(client)
    this.#byClient.set(client, bucket)
    for (const [oldest, { isFull }] of this.#byClient) {
      if (!isFull && this.#byClient.size <= MAX_CLIENTS) break
      this.#byClient.delete(oldest)
    }
    return isTaken
  }
}
