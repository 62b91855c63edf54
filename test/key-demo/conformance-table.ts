import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createKeyServer,
  derivedKeys,
  fixedKeys,
  type KeyServerOptions,
  parseGlobalKeys,
  saltedKeys,
} from '@y-sealed/key-endpoint'
import { onPath } from '../bin/debian.mjs'
import { type Conformance, proveEndpoint } from '../support/conformance.ts'
import { authorizeUsers } from '../support/conformance-users.ts'
import { LANGUAGES, startForeignEndpoint, writeUsers } from '../support/foreign-endpoints.ts'
import { ORIGIN, startMinimalEndpoint, USERS } from '../support/minimal-endpoint.ts'

export interface Row {
  readonly endpoint: string
  /** Absent where its interpreter is. */
  readonly report?: Conformance
}

interface Candidate {
  readonly endpoint: string
  readonly flags?: readonly string[]
  /** Undefined: it cannot be run on this machine. */
  start(folder: string): Promise<{ url: string; close(): Promise<unknown> } | undefined>
}

const QUIET = { info() {}, warn() {}, error() {} }

function ours(endpoint: string, options: (folder: string) => Partial<KeyServerOptions>, ...flags: string[]): Candidate {
  return {
    endpoint,
    flags,
    start: (folder) =>
      createKeyServer({
        data: folder,
        port: 0,
        authorize: authorizeUsers,
        cors: [ORIGIN],
        log: QUIET,
        ...options(folder),
      }),
  }
}

function candidates(database: string): Candidate[] {
  const globalKeys = parseGlobalKeys(randomBytes(32).toString('base64'))
  return [
    ours('ours, SQLite', () => ({})),
    ours('ours, PostgreSQL', () => ({ data: database, masterKeys: [randomBytes(32)] })),
    ours('ours, method derived', () => ({ method: derivedKeys(globalKeys) })),
    ours('ours, method salted', () => ({ method: saltedKeys }), '--hints', 'salt'),
    ours('ours, method fixed', () => ({ method: fixedKeys }), '--hints', 'ignored'),
    { endpoint: 'a plain TinyMCE one', start: () => startMinimalEndpoint() },
    ...Object.entries(LANGUAGES).map(
      ([language, example]): Candidate => ({
        endpoint: `in ${language}`,
        async start(folder) {
          if (onPath(example.command) === undefined) return undefined
          writeUsers(folder)
          const { url, kill } = await startForeignEndpoint(example, folder)
          return { url, close: kill }
        },
      }),
    ),
  ]
}

/** `y-sealed conformance` against each of the endpoints; `database` is an empty PostgreSQL. */
export async function conformanceTable(database: string): Promise<Row[]> {
  const rows: Row[] = []
  for (const { endpoint, flags = [], start } of candidates(database)) {
    const folder = mkdtempSync(join(tmpdir(), 'y-sealed-table-'))
    try {
      const started = await start(folder)
      if (!started) {
        rows.push({ endpoint })
        continue
      }
      try {
        rows.push({ endpoint, report: await proveEndpoint(started.url, USERS, '--origin', ORIGIN, ...flags) })
      } finally {
        await started.close()
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  return rows
}
