import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { createRelay } from '@y-sealed/relay'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type KeySource, SealedProvider } from 'y-sealed'
import * as Y from 'yjs'
import { openSqliteLogStore } from '../../server/relay/src/log/sqlite-log-store.ts'
import { SCHEMA_VERSION } from '../../server/relay/src/log/sqlite-schema.ts'
import { verifyStore } from '../../server/relay/src/verify/verify-store.ts'
import { VERSION_1 } from '../contract/old-sqlite-schemas.ts'
import { patiently } from '../support/events.ts'
import { freshPostgres, skipPostgresTests } from '../support/postgres.ts'
import { projectRoot } from '../support/project-root.ts'
import { startRelayProcess } from '../support/relay-process.ts'
import { Wire } from '../support/wire.ts'
import { FakeSealer, fakeCheckpoint, fakeRecord, nameOf, RawClient, sha256 } from './relay-raw-client.ts'

const MAIN = join(projectRoot(), 'server/relay/dist/main.js')
const QUIET = { info() {}, warn() {}, error() {} }

let root: string
/** See `store`. */
let sound: string
let count = 0
const ended: (() => unknown)[] = []

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'y-sealed-upkeep-'))
  sound = await store()
})
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const fresh = () => join(root, String(++count))

/** The command as an operator runs it. */
function command(data: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args, '--data', data], { encoding: 'utf8' })
  return { status, stdout, stderr }
}

const hex = (bytes: Uint8Array) => Buffer.from(sha256(bytes)).toString('hex')

async function readLog(url: string, room: string): Promise<string[]> {
  const reader = await RawClient.connect(url)
  ended.push(() => reader.end())
  await reader.join(room, { observe: true })
  await reader.hears('caught-up')
  return [...reader.received().values()].map(hex)
}

/** Two documents: one of two epochs with checkpoints, one of a few entries. */
async function store(retention: 'all' | number = 'all'): Promise<string> {
  const data = fresh()
  const relay = await createRelay({ data, port: 0, log: QUIET, retention, limits: { pruneGraceMs: 0, sweepMs: 10 } })
  const client = await RawClient.connect(relay.url)
  await client.join('first')
  const [record, next] = [fakeRecord(0), fakeRecord(1)]
  await client.open(record)
  const sealer = new FakeSealer()
  for (let i = 0; i < 10; i++) await client.append([sealer.seal(50), sealer.seal(50)])
  const answer = await client.append([sealer.seal(20_000)])
  if (answer.type !== 'ack') throw new Error(answer.code)
  const { sequence, hash } = await headOf(client)
  const chunks = fakeCheckpoint(0, 3, 5_000)
  const { request } = await granted(client.lease(record, 'checkpoint'))
  await client.compact(request, { sequence, hash, checkpoint: nameOf(chunks) }, chunks)
  await client.append([sealer.seal(50)])
  if (retention !== 'all') while ((await relay.usage('first')).historyEntries > 0) await new Promise(setImmediate)
  // Another one: who has paused has to wait for its next pause.
  const rotator = await RawClient.connect(relay.url)
  await rotator.join('first')
  const rotated = await rotator.rotate(next, record, {
    chunks: fakeCheckpoint(1, 2),
    envelopes: [new FakeSealer(1).seal(60)],
  })
  if (rotated.type === 'refused') throw new Error(rotated.code)
  rotator.end()
  client.end()
  const other = await RawClient.connect(relay.url)
  await other.join('second')
  await other.open(fakeRecord(), [new FakeSealer().seal(40)])
  other.end()
  await relay.close()
  return data
}

/** All 32 bytes of H, which the relay tells who pauses. */
async function headOf(client: RawClient) {
  const joined = client.heard.find((message) => message.type === 'opened')
  if (joined?.type !== 'opened') throw new Error('not opened')
  await granted(client.lease(joined.record, 'rotate'))
  const paused = await client.pause()
  if (paused.type === 'refused') throw new Error(paused.code)
  await client.release()
  return paused
}

async function granted<T extends { type: string }>(answer: Promise<T>): Promise<Exclude<T, { type: 'refused' }>> {
  const told = await answer
  if (told.type === 'refused') throw new Error('refused')
  return told as Exclude<T, { type: 'refused' }>
}

/** Another key for whoever leaves the newest one. */
function rotatingKeys(): KeySource {
  let newest = 0
  const answer = (keyHint: string) => ({ key: `a key that is long enough, and the one called ${keyHint}`, keyHint })
  return async ({ keyHint, after }) => {
    if (keyHint !== null) return answer(keyHint)
    if (after === String(newest)) newest++
    return answer(String(newest))
  }
}

function change(data: string, sql: string): void {
  const database = new DatabaseSync(join(data, 'relay.db'))
  expect(Number(database.prepare(sql).run().changes)).toBeGreaterThan(0)
  database.close()
}

describe('verify', () => {
  it('computes all hashes again and finds a sound store sound, pruned or not', async () => {
    expect(command(sound, 'verify')).toEqual({
      status: 0,
      stdout: 'sound: 2 documents, 3 epochs, 24 entries, 2 checkpoints\n',
      stderr: '',
    })
    expect(command(await store(0), 'verify')).toEqual({
      status: 0,
      stdout: 'sound: 2 documents, 3 epochs, 3 entries, 2 checkpoints\n',
      stderr: '',
    })
  })

  const RUN = 'WHERE document = 1 AND first_sequence = 5'
  it.each([
    [
      'a bit of an entry',
      // What was sealed is drawn: it may be any byte already.
      `UPDATE runs SET body = CAST(substr(body, 1, 60) || iif(substr(body, 61, 1) = x'00', x'01', x'00') || substr(body, 62) AS BLOB) ${RUN}`,
      5,
      'do not give the H',
    ],
    [
      'a header',
      `UPDATE runs SET body = CAST(substr(body, 1, 2) || x'16' || substr(body, 4) AS BLOB) ${RUN}`,
      5,
      'it is no entry of its epoch',
    ],
    [
      'a length',
      `UPDATE runs SET body = CAST(x'ff' || substr(body, 2) AS BLOB) ${RUN}`,
      5,
      'its run cannot be taken apart',
    ],
    ['an entry that is gone', `DELETE FROM runs ${RUN}`, 5, 'it is missing'],
    [
      'entries that are gone at the end',
      'DELETE FROM runs WHERE document = 1 AND epoch_index = 1',
      23,
      'it is missing',
    ],
    ['H in between', `UPDATE runs SET hash_before = zeroblob(32) ${RUN}`, 3, 'do not give the H'],
    ['H at the head', 'UPDATE documents SET hash = zeroblob(32) WHERE id = 1', 23, 'do not give the H'],
    ['the number of entries', `UPDATE runs SET entries = 1 ${RUN}`, 5, 'another number of entries'],
    [
      'a record',
      "UPDATE records SET bytes = CAST(bytes || x'00' AS BLOB) WHERE document = 1 AND epoch_index = 0",
      0,
      'the record of epoch 0 has another hash',
    ],
    [
      'where an epoch begins',
      'UPDATE records SET after_sequence = 21 WHERE document = 1 AND epoch_index = 1',
      22,
      'H before it is not that of the log',
    ],
    [
      'a chunk',
      "UPDATE chunks SET envelope = CAST(envelope || x'00' AS BLOB) WHERE checkpoint = 1 AND chunk = 2",
      21,
      'has chunks of another',
    ],
    ['a chunk that is gone', 'DELETE FROM chunks WHERE checkpoint = 1 AND chunk = 3', 21, 'lacks a chunk'],
    ["a checkpoint's H", 'UPDATE checkpoints SET hash = zeroblob(32) WHERE id = 1', 21, 'names another H'],
    ["a checkpoint's size", 'UPDATE checkpoints SET bytes = 1 WHERE id = 1', 21, 'has another size'],
  ])(
    'names room and sequence of the first that is wrong, and goes on to the next room: %s',
    async (_, sql, sequence, what) => {
      const data = fresh()
      cpSync(sound, data, { recursive: true })
      change(data, sql)
      const opened = openSqliteLogStore(data)
      const { documents, damages } = await verifyStore(opened.contents())
      await opened.close()
      expect([documents, damages]).toEqual([2, [{ name: 'first', sequence, what: expect.stringContaining(what) }]])
    },
  )

  it('H where entries were pruned is compared with what follows', async () => {
    const data = await store(0)
    change(data, 'UPDATE records SET pruned_hash = zeroblob(32) WHERE document = 1 AND epoch_index = 0')
    expect(command(data, 'verify')).toMatchObject({
      status: 2,
      stdout: expect.stringContaining('"first" at 22: H before it'),
    })
  })

  it('real members, a real rotation: the chain of records is followed, and a record that carries over another log is named', async () => {
    const data = fresh()
    const relay = await createRelay({ data, port: 0, log: QUIET })
    const options = { keys: rotatingKeys(), WebSocketPolyfill: new Wire().WebSocket }
    const doc = new Y.Doc()
    const provider = new SealedProvider(relay.url, 'first', doc, options)
    await patiently(provider.whenSynced, 'the first member')
    doc.getText('').insert(0, 'words')
    await patiently(provider.flush(), 'it to be stored')
    await patiently(provider.rotateKey(), 'the next epoch')
    provider.destroy()
    await relay.close()
    expect(command(data, 'verify')).toMatchObject({ status: 0, stdout: expect.stringContaining('2 epochs') })
    // Whoever changes the log changes all hashes behind it, but cannot change what the record of the next epoch says.
    const database = new DatabaseSync(join(data, 'relay.db'))
    const rows: { at: number }[] = database
      .prepare('SELECT after_sequence AS at FROM records ORDER BY epoch_index')
      .all()
    database.prepare('DELETE FROM runs WHERE first_sequence <= ?').run(rows[1]?.at ?? 0)
    database
      .prepare('UPDATE records SET pruned_through = ?, pruned_hash = zeroblob(32) WHERE epoch_index = 0')
      .run(rows[1]?.at ?? 0)
    database.close()
    expect(command(data, 'verify')).toMatchObject({
      status: 2,
      stdout: expect.stringContaining(`"first" at ${rows[1]?.at}: the record of epoch 1 carries over another log`),
    })
  })

  it('a file that SQLite cannot read is told so; a store that is in use, or of an older schema, is left alone', async () => {
    const data = fresh()
    const relay = await startRelayProcess(data)
    expect(command(data, 'verify')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('another process has this data directory'),
    })
    await relay.stop()
    const older = oldStore()
    expect(command(older, 'verify')).toMatchObject({ status: 1, stderr: expect.stringContaining('migrate it first') })
    const none = fresh()
    mkdirSync(none)
    writeFileSync(join(none, 'relay.db'), 'nothing that SQLite knows, at some length'.repeat(200))
    expect(command(none, 'verify')).toMatchObject({ status: 1, stderr: expect.stringContaining('SQLITE_NOTADB') })
    expect(command(fresh(), 'verify')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('there is no store in'),
    })
  })
})

it.skipIf(skipPostgresTests)(
  'verify serves PostgreSQL as well, while relays run: what it calls a document there is the hash of its room',
  async () => {
    const store = await freshPostgres()
    const relay = await createRelay({ store, port: 0, log: QUIET })
    ended.push(() => relay.close())
    const client = await RawClient.connect(relay.url)
    await client.join('a room')
    await client.open(fakeRecord())
    const sealer = new FakeSealer()
    for (let i = 0; i < 5; i++) await client.append([sealer.seal(50), sealer.seal(50)])
    client.end()
    const verify = () => spawnSync(process.execPath, [MAIN, 'verify', '--store', store], { encoding: 'utf8' })
    expect(verify()).toMatchObject({ status: 0, stdout: 'sound: 1 documents, 1 epochs, 10 entries, 0 checkpoints\n' })
    const database = new pg.Client({ connectionString: store })
    await database.connect()
    await database.query('UPDATE runs SET body = set_byte(body, 60, 255 - get_byte(body, 60)) WHERE first_sequence = 5')
    await database.end()
    const name = createHash('sha256').update('a room').digest('hex')
    expect(verify()).toMatchObject({ status: 2, stdout: expect.stringContaining(`damaged: "${name}" at 5: `) })
  },
  60_000,
)

describe('backup and restore', () => {
  it('a backup of a relay that is written to is one moment of it: sound, with all that was acked before, and a relay runs on it', async () => {
    const data = fresh()
    const relay = await startRelayProcess(data)
    ended.push(() => relay.stop())
    const client = await RawClient.connect(relay.url)
    ended.push(() => client.end())
    await client.join('room')
    await client.open(fakeRecord())
    const sealer = new FakeSealer()
    const acked: string[] = []
    let isWriting = true
    const writing = (async () => {
      for (let i = 0; isWriting; i++) {
        const envelope = sealer.seal(i % 10 === 0 ? 20_000 : 100)
        const answer = await client.append([envelope])
        if (answer.type !== 'ack') throw new Error(answer.code)
        acked.push(hex(envelope))
      }
    })()
    for (let round = 1; round <= 2; round++) {
      while (acked.length < round * 30) await new Promise(setImmediate)
      const before = acked.length
      const backup = fresh()
      const [status] = await once(spawn(process.execPath, [MAIN, 'backup', backup, '--data', data]), 'exit')
      expect(status).toBe(0)
      expect(readdirSync(backup)).toEqual(['relay.db'])
      expect(statSync(join(backup, 'relay.db')).mode & 0o777).toBe(0o600)
      expect(acked.length).toBeGreaterThan(before)

      const restored = fresh()
      expect(command(restored, 'restore', backup)).toEqual({
        status: 0,
        stdout: `restored from ${backup}\n`,
        stderr: '',
      })
      expect(command(restored, 'verify')).toMatchObject({ status: 0 })
      const other = await startRelayProcess(restored)
      const log = await readLog(other.url, 'room')
      await other.stop()
      expect(log.length).toBeGreaterThanOrEqual(before)
      expect(log).toEqual(acked.slice(0, log.length))
    }
    isWriting = false
    await writing
  })

  it('neither overwrites anything, nor leaves anything behind where it fails', async () => {
    const [data, backup] = [sound, fresh()]
    expect(command(data, 'backup', backup).status).toBe(0)
    const again = {
      status: 1,
      stderr: expect.stringContaining(`there is a store in ${backup} already: nothing was written`),
    }
    expect(command(data, 'backup', backup)).toMatchObject(again)
    expect(command(backup, 'restore', data)).toMatchObject(again)
    const damaged = fresh()
    mkdirSync(damaged)
    writeFileSync(join(damaged, 'relay.db'), 'nothing that SQLite knows, at some length'.repeat(200))
    const target = fresh()
    expect(command(target, 'restore', damaged)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('SQLITE_NOTADB'),
    })
    expect(readdirSync(target)).toEqual([])
    const later = new DatabaseSync(join(backup, 'relay.db'))
    later.exec('PRAGMA user_version = 99')
    later.close()
    expect(command(target, 'restore', backup)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('schema 99'),
    })
    expect(readdirSync(target)).toEqual([])
    expect(command(target, 'restore', fresh())).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('there is no store'),
    })
  })

  it.each(['backup', 'restore', 'vacuum', 'migrate'])('%s is no word for a store that is no directory', (act) => {
    const directory = act === 'backup' || act === 'restore' ? [fresh()] : []
    const args = [MAIN, act, ...directory, '--store', 'postgres://me:secret@127.0.0.1/relay']
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    expect([status, stderr]).toEqual([1, expect.stringContaining('for this one use ')])
    expect(stderr).not.toContain('secret')
  })
})

describe('vacuum', () => {
  it('gives back the room of a document that was deleted', async () => {
    const data = await store()
    const relay = await createRelay({ data, port: 0, log: QUIET })
    await relay.deleteDocument('first')
    expect(existsSync(join(data, 'relay.db'))).toBe(true)
    expect(command(data, 'vacuum')).toMatchObject({ status: 1, stderr: expect.stringContaining('another process') })
    await relay.close()
    const { status, stdout } = command(data, 'vacuum')
    const [before = 0, after = 0] = (stdout.match(/\d+/g) ?? []).map(Number)
    expect(status).toBe(0)
    expect(after).toBeLessThan(before)
    expect(statSync(join(data, 'relay.db')).size).toBe(after)
    expect(command(data, 'verify').stdout).toContain('sound: 1 documents')
  })
})

/** A store as its first version has left it. */
function oldStore(): string {
  const data = fresh()
  mkdirSync(data)
  const database = new DatabaseSync(join(data, 'relay.db'))
  database.exec(`${VERSION_1} PRAGMA user_version = 1;`)
  database.close()
  return data
}

describe('migrate', () => {
  const schemaOf = (data: string) => {
    const database = new DatabaseSync(join(data, 'relay.db'))
    const row: { user_version: number } = database.prepare('PRAGMA user_version').get()
    database.close()
    return row.user_version
  }

  it('tries first and changes nothing, then does it, then has nothing to do', () => {
    const data = oldStore()
    expect(command(data, 'migrate')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('nothing was changed'),
    })
    expect(schemaOf(data)).toBe(1)
    expect(command(data, 'migrate', '--apply')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(`has ${SCHEMA_VERSION}`),
    })
    expect(schemaOf(data)).toBe(SCHEMA_VERSION)
    expect(command(data, 'migrate')).toMatchObject({ status: 0, stdout: expect.stringContaining('nothing to do') })
  })

  it('a store that cannot be taken there is found by trying, and is as it was', () => {
    const data = oldStore()
    const database = new DatabaseSync(join(data, 'relay.db'))
    database.exec('CREATE TABLE journal (somebody TEXT)')
    database.close()
    for (const args of [['migrate'], ['migrate', '--apply']]) {
      expect(command(data, ...args)).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('journal already exists'),
      })
      expect(schemaOf(data)).toBe(1)
    }
  })

  it('there is no way back: a store of a later schema is refused, by the relay too', () => {
    const data = oldStore()
    const database = new DatabaseSync(join(data, 'relay.db'))
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`)
    database.close()
    const refusal = { status: 1, stderr: expect.stringContaining('there is no way back to an older one') }
    for (const args of [['migrate'], ['migrate', '--apply'], ['--port', '0']])
      expect(command(data, ...args)).toMatchObject(refusal)
    expect(schemaOf(data)).toBe(SCHEMA_VERSION + 1)
  })

  it('not while a relay runs', async () => {
    const data = fresh()
    const relay = await startRelayProcess(data)
    ended.push(() => relay.stop())
    expect(command(data, 'migrate', '--apply')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('another process'),
    })
  })
})
