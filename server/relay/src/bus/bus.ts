/**
 * How the nodes of one store tell each other what is new. Nothing depends on it: what it loses is found in the store, a second later.
 */
export interface Bus {
  /** Whether what is said reaches anybody at all. */
  readonly isConnected: boolean
  /** Never throws and never waits; what cannot be said now is not said. */
  publish(channel: string, message: Uint8Array): void
  /** Until `unsubscribe`, also after a loss of the connection; resolves when it hears. One listener for each channel. */
  subscribe(channel: string, listener: (message: Uint8Array) => void): Promise<void>
  unsubscribe(channel: string): void
  close(): Promise<void>
}

export interface BusEvents {
  /** It was lost and is back: something may have been said meanwhile. */
  onReconnect(): void
  onFailure(error: unknown): void
}
