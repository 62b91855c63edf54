import { chownSync, cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import type { ChildDatabase } from '../bin/child-database.mjs'
import { ownPort } from '../bin/own-port.mjs'
import { findPostgres, makePostgres, type PostgresFolder, runPostgres } from '../bin/postgres.mjs'

const STANDBY_IS_READY = 'database system is ready to accept read-only connections'

/** A primary, and a standby without which nothing is committed: `synchronous_standby_names` names it. */
export class PostgresPair {
  readonly #binaries: string
  readonly #folders: { primary: PostgresFolder; standby: PostgresFolder }
  readonly #ports: { primary: number; standby: number }
  #primary: ChildDatabase | undefined
  #standby: ChildDatabase | undefined
  #isStopped = false

  private constructor(
    binaries: string,
    folders: { primary: PostgresFolder; standby: PostgresFolder },
    ports: number[],
  ) {
    this.#binaries = binaries
    this.#folders = folders
    this.#ports = { primary: ports[0] ?? 0, standby: ports[1] ?? 0 }
  }

  static async start(): Promise<PostgresPair> {
    const binaries = findPostgres()
    if (binaries === undefined) throw new Error('no PostgreSQL on this machine: install one, with initdb on the path')
    const primary = makePostgres(binaries)
    const pair = new PostgresPair(binaries, { primary, standby: copied(primary) }, [await ownPort(), await ownPort()])
    await pair.startPrimary()
    await pair.startStandby()
    return pair
  }

  /** As an operator gives it to a relay. */
  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.#ports.primary},127.0.0.1:${this.#ports.standby}/postgres`
  }

  async startPrimary(): Promise<void> {
    this.#primary = await runPostgres(this.#binaries, this.#folders.primary, {
      isDurable: false,
      port: this.#ports.primary,
      settings: { synchronous_standby_names: 'standby' },
    })
  }

  async startStandby(): Promise<void> {
    this.#standby = await runPostgres(this.#binaries, this.#folders.standby, {
      isDurable: false,
      port: this.#ports.standby,
      readyLine: STANDBY_IS_READY,
      settings: {
        primary_conninfo: `host=127.0.0.1 port=${this.#ports.primary} user=postgres application_name=standby`,
        // At once again, when the primary is.
        wal_retrieve_retry_interval: '100ms',
      },
    })
  }

  /** kill -9. */
  async killPrimary(): Promise<void> {
    await this.#primary?.kill()
  }

  async killStandby(): Promise<void> {
    await this.#standby?.kill()
  }

  async promote(): Promise<void> {
    await this.#ask('standby', 'SELECT pg_promote()')
  }

  /** Resolves once somebody waits at the primary until the standby has what they commit. */
  async untilCommitWaits(): Promise<void> {
    const text = `SELECT count(*)::int AS count FROM pg_stat_activity WHERE wait_event = 'SyncRep'`
    while (!this.#isStopped) {
      const [row] = await this.#ask<{ count: number }>('primary', text)
      if ((row?.count ?? 0) > 0) return
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all([this.#primary?.stop(), this.#standby?.stop()])
    for (const { folder } of Object.values(this.#folders)) rmSync(folder, { recursive: true, force: true })
  }

  async #ask<Row extends object>(who: 'primary' | 'standby', text: string): Promise<Row[]> {
    const client = new pg.Client({ host: '127.0.0.1', port: this.#ports[who], user: 'postgres', database: 'postgres' })
    await client.connect()
    const { rows } = await client.query<Row>(text)
    await client.end()
    return rows
  }
}

/** What a base backup is, of a server that has not run yet. */
function copied({ folder, user }: PostgresFolder): PostgresFolder {
  const copy = `${folder}-standby`
  cpSync(folder, copy, { recursive: true })
  writeFileSync(join(copy, 'standby.signal'), '')
  if (!user) return { folder: copy, user }
  for (const name of ['', ...readdirSync(copy, { recursive: true, encoding: 'utf8' })]) {
    chownSync(join(copy, name), user.uid, user.gid)
  }
  return { folder: copy, user }
}
