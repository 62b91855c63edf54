/** What relays that share a store say to each other. */
export class BusMetrics {
  #said = 0
  #heard = 0
  #repairs = 0

  said(): void {
    this.#said++
  }

  heard(): void {
    this.#heard++
  }

  /** A room was behind the store, and has read what no message had said. */
  repaired(): void {
    this.#repairs++
  }

  /** `isUp`: whether others can be heard. */
  lines(prefix: string, isUp: boolean): string[] {
    const metric = (name: string, type: 'gauge' | 'counter', help: string, value: number) => [
      `# HELP ${prefix}${name} ${help}.`,
      `# TYPE ${prefix}${name} ${type}`,
      `${prefix}${name} ${value}`,
    ]
    return [
      ...metric('bus_up', 'gauge', 'Whether other relays can be heard', isUp ? 1 : 0),
      ...metric('bus_said_total', 'counter', 'Messages to other relays', this.#said),
      ...metric('bus_heard_total', 'counter', 'Messages of other relays', this.#heard),
      ...metric('repairs_total', 'counter', 'Rooms that read from the store what no message had said', this.#repairs),
    ]
  }
}
