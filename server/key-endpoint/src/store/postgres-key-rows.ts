import type { PoolClient } from 'pg'
import { nextEpoch } from './epoch-number.ts'
import { hintTaken } from './hint-taken.ts'
import { type KeyRow, type KeyRows, type NewRow, SEALER } from './key-rows.ts'
import type { KeyState } from './key-store.ts'
import type { PostgresDatabase } from './postgres-database.ts'
import { KEYS, SETTINGS } from './postgres-schema.ts'

interface Columns {
  readonly document: Buffer
  readonly hint: Buffer
  /** bigint, which `pg` gives as text. */
  readonly epoch: string
  readonly state: KeyState
  readonly origin: string
  readonly sealed: Buffer | null
  readonly sealed_by: string | null
  readonly record: Buffer | null
  readonly created_ms: string
}

const SELECT = `SELECT document, hint, epoch, state, origin, sealed, sealed_by, record, created_ms FROM ${KEYS}`
const DEACTIVATE = `UPDATE ${KEYS} SET state = 'inactive' WHERE state = 'active'`

/** Rows in PostgreSQL, for any number of instances. */
export function createPostgresKeyRows(database: PostgresDatabase): KeyRows {
  const rows = async (where: string, values: readonly unknown[]) =>
    (await database.query<Columns>(`${SELECT} ${where}`, values)).map(rowOf)
  const row = async (where: string, values: readonly unknown[]) => (await rows(where, values))[0]
  /** Of this document only one at a time, whichever instance it is: looking and changing are one step. */
  const alone = <T>(documentId: string, run: (client: PoolClient) => Promise<T>) =>
    database.transaction(async (client) => {
      await client.query("SELECT pg_advisory_xact_lock(hashtextextended(encode($1, 'hex'), 0))", [utf8(documentId)])
      return await run(client)
    })

  return {
    active: (documentId, after) => row(...whereActive(documentId, after)),
    byHint: (documentId, keyHint) => row(...whereHint(documentId, keyHint)),
    newest: (documentId) =>
      row('WHERE document = $1 AND sealed IS NOT NULL ORDER BY epoch DESC LIMIT 1', [utf8(documentId)]),
    all: (documentId) => rows('WHERE document = $1 ORDER BY epoch', [utf8(documentId)]),
    async documents() {
      const found = await database.query<{ document: Buffer }>(
        `SELECT DISTINCT document FROM ${KEYS} ORDER BY document`,
      )
      return found.map(({ document }) => document.toString('utf8'))
    },
    activeOr: (documentId, candidate) =>
      alone(documentId, async (client) => {
        return (await one(client, whereActive(documentId))) ?? (await issue(client, documentId, candidate))
      }),
    replace: (documentId, after, candidate) =>
      alone(documentId, async (client) => {
        if (after !== undefined) {
          const successor = await one(client, whereActive(documentId, after))
          if (successor) return successor
          // Remembered, so that all who leave this lost key find the one that takes its place.
          if (!(await one(client, whereHint(documentId, after)))) {
            await insert(client, documentId, 'lost', { keyHint: after, origin: candidate.origin })
          }
        }
        return await issue(client, documentId, candidate)
      }),
    add: (documentId, added, isActive) =>
      alone(documentId, async (client) => {
        if (await one(client, whereHint(documentId, added.keyHint))) return undefined
        const isFirst = isActive && !(await one(client, whereActive(documentId)))
        return await insert(client, documentId, isFirst ? 'active' : 'inactive', added)
      }),
    async keepRecord(documentId, keyHint, record) {
      await database.query(
        `UPDATE ${KEYS} SET record = $3 WHERE document = $1 AND hint = $2 AND record IS NULL AND sealed IS NOT NULL`,
        [utf8(documentId), utf8(keyHint), Buffer.from(record, 'base64url')],
      )
    },
    async deactivate(documentId, keyHint) {
      await database.query(`${DEACTIVATE} AND origin <> 'fixed' AND document = $1 AND hint = $2`, [
        utf8(documentId),
        utf8(keyHint),
      ])
    },
    deactivateAll: async () => (await database.query(`${DEACTIVATE} AND origin <> 'fixed' RETURNING 1`)).length,
    async shred(documentId, keyHint) {
      await database.query(
        `UPDATE ${KEYS} SET state = 'shredded', sealed = NULL, sealed_by = NULL
         WHERE document = $1 AND hint = $2 AND state <> 'active'`,
        [utf8(documentId), utf8(keyHint)],
      )
    },
    async reseal(documentId, keyHint, before, sealed, sealedBy) {
      await database.query(
        `UPDATE ${KEYS} SET sealed = $4, sealed_by = $5 WHERE document = $1 AND hint = $2 AND sealed = $3`,
        [utf8(documentId), utf8(keyHint), before, sealed, sealedBy],
      )
    },
    async sealers() {
      const [kept] = await database.query<{ value: string }>(`SELECT value FROM ${SETTINGS} WHERE name = $1`, [SEALER])
      const used = await database.query<{ id: string }>(
        `SELECT DISTINCT sealed_by AS id FROM ${KEYS} WHERE sealed_by IS NOT NULL`,
      )
      return [kept?.value ?? '', ...used.map(({ id }) => id)]
    },
    async setSealer(id) {
      await database.query(`UPDATE ${SETTINGS} SET value = $1 WHERE name = $2`, [id, SEALER])
    },
    async origins() {
      const found = await database.query<{ origin: string }>(
        `SELECT DISTINCT origin FROM ${KEYS} WHERE sealed IS NOT NULL`,
      )
      return found.map(({ origin }) => origin)
    },
    close: () => database.close(),
  }
}

type Where = [where: string, values: readonly unknown[]]

function whereActive(documentId: string, after?: string): Where {
  const active = "WHERE document = $1 AND state = 'active'"
  if (after === undefined) return [active, [utf8(documentId)]]
  const newer = `AND epoch > (SELECT epoch FROM ${KEYS} WHERE document = $1 AND hint = $2)`
  return [`${active} ${newer}`, [utf8(documentId), utf8(after)]]
}

function whereHint(documentId: string, keyHint: string): Where {
  return ['WHERE document = $1 AND hint = $2', [utf8(documentId), utf8(keyHint)]]
}

async function one(client: PoolClient, [where, values]: Where): Promise<KeyRow | undefined> {
  const { rows } = await client.query<Columns>(`${SELECT} ${where}`, [...values])
  return rows[0] && rowOf(rows[0])
}

async function issue(client: PoolClient, documentId: string, candidate: NewRow): Promise<KeyRow> {
  if (await one(client, whereHint(documentId, candidate.keyHint))) throw hintTaken()
  await client.query(`${DEACTIVATE} AND document = $1`, [utf8(documentId)])
  return await insert(client, documentId, 'active', candidate)
}

type InsertedRow = Pick<NewRow, 'keyHint' | 'origin'> & Partial<NewRow>

async function insert(client: PoolClient, documentId: string, state: KeyState, row: InsertedRow): Promise<KeyRow> {
  const { keyHint, origin, sealed = null, sealedBy = null } = row
  const document = utf8(documentId)
  const { rows } = await client.query<{ epoch: string | null }>(
    `SELECT max(epoch) AS epoch FROM ${KEYS} WHERE document = $1`,
    [document],
  )
  const createdMs = Date.now()
  const epoch = nextEpoch(Number(rows[0]?.epoch ?? 0), createdMs)
  await client.query(
    `INSERT INTO ${KEYS} (document, hint, epoch, state, origin, sealed, sealed_by, created_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [document, utf8(keyHint), epoch, state, origin, sealed, sealedBy, createdMs],
  )
  return { keyHint, epoch, state, origin, sealed, sealedBy, record: null, createdMs }
}

function rowOf({ hint, sealed_by: sealedBy, record, created_ms, epoch, state, origin, sealed }: Columns): KeyRow {
  return {
    keyHint: hint.toString('utf8'),
    epoch: Number(epoch),
    state,
    origin,
    sealed,
    sealedBy,
    record: record?.toString('base64url') ?? null,
    createdMs: Number(created_ms),
  }
}

function utf8(value: string): Buffer {
  return Buffer.from(value, 'utf8')
}
