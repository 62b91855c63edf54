/** How many connections there are, in all and of each client. */
export class ConnectionCounts {
  readonly #max: number
  readonly #maxPerClient: number
  readonly #byClient = new Map<string, number>()
  #count = 0

  constructor({
    maxConnections,
    maxConnectionsPerAddress,
  }: { maxConnections: number; maxConnectionsPerAddress: number }) {
    this.#max = maxConnections
    this.#maxPerClient = maxConnectionsPerAddress
  }

  /** Why there is no room for one more; undefined: there was, and it is counted until `leave`. */
  enter(client: string | undefined): string | undefined {
    if (this.#count >= this.#max) return 'the relay has as many connections as it may have'
    const ofClient = client === undefined ? 0 : (this.#byClient.get(client) ?? 0)
    if (ofClient >= this.#maxPerClient) return 'too many connections from this address'
    if (client !== undefined) this.#byClient.set(client, ofClient + 1)
    this.#count++
    return undefined
  }

  leave(client: string | undefined): void {
    this.#count--
    if (client === undefined) return
    const ofClient = (this.#byClient.get(client) ?? 0) - 1
    if (ofClient > 0) this.#byClient.set(client, ofClient)
    else this.#byClient.delete(client)
  }
}
