/** What goes to those who read. */
export class Traffic {
  #messages = 0
  #entries = 0
  /** Of connections that have ended; `bytes` are those on the line, WebSocket frames and all. */
  readonly #ended = { received: 0, sent: 0 }

  /** One message with entries has been given to one session. */
  delivered(entries: number): void {
    this.#messages++
    this.#entries += entries
  }

  ended({ received, sent }: SocketBytes): void {
    this.#ended.received += received
    this.#ended.sent += sent
  }

  lines(prefix: string, open: SocketBytes): string[] {
    const counter = (name: string, help: string, value: number) => [
      `# HELP ${prefix}${name} ${help}.`,
      `# TYPE ${prefix}${name} counter`,
      `${prefix}${name} ${value}`,
    ]
    return [
      ...counter('deliveries_total', 'Messages with entries that were given to sessions', this.#messages),
      ...counter('delivered_entries_total', 'Entries in them: the fan-out of what was appended', this.#entries),
      ...counter('received_bytes_total', 'Bytes that clients have sent', this.#ended.received + open.received),
      ...counter('sent_bytes_total', 'Bytes that clients have been sent', this.#ended.sent + open.sent),
    ]
  }
}

export interface SocketBytes {
  received: number
  sent: number
}
