import pg from 'pg'

/**
 * The hosts that a database may be at, one after the other: `postgres://user@a:5432,b:5432/relay` is a primary and its standby, and which is
 * which changes. The driver knows one host; PostgreSQL's own library knows such addresses.
 */
export class PostgresHosts {
  readonly #urls: readonly string[]
  #current = 0

  constructor(url: string) {
    const [, start = '', hosts = '', rest = ''] = /^([a-z]+:\/\/(?:[^/?@]*@)?)([^/?]*)(.*)$/s.exec(url) ?? []
    this.#urls = hosts.includes(',') ? hosts.split(',').map((host) => `${start}${host}${rest}`) : [url]
  }

  get current(): string {
    return this.#urls[this.#current] ?? ''
  }

  /** Nobody is there, or nobody who writes. What another attempt has found out meanwhile is not undone. */
  leave(url: string | undefined): void {
    if (url === this.current) this.#current = (this.#current + 1) % this.#urls.length
  }
}

/** For a pool: each connection is to the host that is thought to be the primary when it is made. */
export function clientAt(hosts: PostgresHosts): new (config?: pg.ClientConfig) => pg.Client {
  return class extends pg.Client {
    constructor(config?: pg.ClientConfig) {
      super({ ...config, connectionString: hosts.current })
    }
  }
}
