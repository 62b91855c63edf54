import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { type KeyStore, openSqliteKeyStore } from '@y-sealed/key-endpoint'
import { describe, expect, it, onTestFinished } from 'vitest'
import { CanarySearch } from '../../support/canary.ts'
import { projectRoot } from '../../support/project-root.ts'
import { ask, recordingLog, startKeyServer, temporaryDirectory } from './fixtures.ts'

function openIn(directory: string) {
  const store = openSqliteKeyStore(directory)
  onTestFinished(() => store.close().catch(() => {}))
  return store
}

/** A directory with the keys of two documents, and nobody using it. */
async function usedDirectory() {
  const directory = join(temporaryDirectory(), 'keys')
  const store = openIn(directory)
  const one = await store.currentOrNew('doc-1')
  const two = await store.currentOrNew('doc-2')
  await store.close()
  return { directory, one, two }
}

/** Of this process; where Linux lists them. */
const OPEN_FILES = '/proc/self/fd'

function openFiles(): string[] {
  return readdirSync(OPEN_FILES).flatMap((name) => {
    try {
      return [readlinkSync(join(OPEN_FILES, name))]
    } catch {
      // Closed since: the list itself was one.
      return []
    }
  })
}

function edit(directory: string, sql: string): void {
  const db = new DatabaseSync(join(directory, 'keys.sqlite'))
  db.exec(sql)
  db.close()
}

describe('on disk', () => {
  it('is nothing that others of the machine may read, even while it is in use', async () => {
    const directory = join(temporaryDirectory(), 'deep', 'keys')
    await openIn(directory).currentOrNew('doc-1')
    const modes = Object.fromEntries(
      readdirSync(directory).map((name) => [name, statSync(join(directory, name)).mode & 0o777]),
    )
    expect(modes).toEqual({
      'keys.sqlite': 0o600,
      'keys.sqlite-shm': 0o600,
      'keys.sqlite-wal': 0o600,
      'master.key': 0o600,
    })
    expect(statSync(directory).mode & 0o777).toBe(0o700)
  })

  it('files that were opened to others are closed to them again', async () => {
    const { directory } = await usedDirectory()
    chmodSync(join(directory, 'keys.sqlite'), 0o644)
    chmodSync(join(directory, 'master.key'), 0o644)
    openIn(directory)
    expect(statSync(join(directory, 'keys.sqlite')).mode & 0o777).toBe(0o600)
    expect(statSync(join(directory, 'master.key')).mode & 0o777).toBe(0o600)
  })

  it('no key stands in clear: not in the database, not in its journal', async () => {
    const directory = temporaryDirectory()
    const store = openIn(directory)
    const issued = await Promise.all(Array.from({ length: 20 }, (_, index) => store.currentOrNew(`doc-${index}`)))
    const search = new CanarySearch(issued.map(({ key }) => key))
    expect(search.inDirectory(directory)).toEqual([])
    await store.close()
    expect(search.inDirectory(directory)).toEqual([])
  })
})

describe('a shredded key', () => {
  const sealedOf = (directory: string): Buffer[] => {
    const db = new DatabaseSync(join(directory, 'keys.sqlite'))
    const rows = db.prepare("SELECT sealed FROM document_keys WHERE state = 'inactive'").all()
    db.close()
    // A BLOB column.
    return rows.map(({ sealed }) => Buffer.from(sealed as Uint8Array))
  }
  const filesOf = (directory: string) => readdirSync(directory).map((name) => readFileSync(join(directory, name)))
  const found = (directory: string, sealed: Buffer[]) =>
    sealed.filter((bytes) => filesOf(directory).some((file) => file.includes(bytes))).length

  async function withOldKeys(directory: string, count: number): Promise<{ store: KeyStore; hints: string[] }> {
    const store = openIn(directory)
    const hints: string[] = []
    for (let time = 0; time < count; time++) {
      hints.push((await store.currentOrNew('doc-1')).keyHint)
      await store.rotate('doc-1')
    }
    return { store, hints }
  }

  it('leaves no byte of itself behind, not in a free page and not in the journal, while the store is in use', async () => {
    const directory = temporaryDirectory()
    // Many enough that pages were split and filled again.
    const { store, hints } = await withOldKeys(directory, 200)
    const sealed = sealedOf(directory)
    expect(found(directory, sealed)).toBe(200)
    for (const hint of hints) await store.shred('doc-1', hint)
    expect(found(directory, sealed)).toBe(0)
  })

  // SQLite leaves a copy of a row in the page that it has moved it from; which rows those are, their hints decide. One of these two hundred was left.
  it('leaves no byte of itself behind where its row was moved to another page (hints of seed 278)', async () => {
    const directory = temporaryDirectory()
    const store = openIn(directory)
    const hints = Array.from({ length: 200 }, (_, at) =>
      createHash('sha256').update(`278 ${at}`).digest('base64url').slice(0, 22),
    )
    for (const keyHint of hints) {
      await store.add('doc-1', { keyHint, key: `a key that is long enough, ${keyHint}`, isActive: true })
      await store.deactivate('doc-1', keyHint)
    }
    const sealed = sealedOf(directory)
    expect(found(directory, sealed)).toBe(200)
    for (const hint of hints) await store.shred('doc-1', hint)
    expect(found(directory, sealed)).toBe(0)
  })

  // SQLite has one checkpoint at a time and does not wait for another's turn: eight processes of one directory met there.
  it('is shredded while another process writes the journal back all the time', async () => {
    const directory = temporaryDirectory()
    const { store, hints } = await withOldKeys(directory, 50)
    const program = `
      const { DatabaseSync } = require('@photostructure/sqlite')
      const db = new DatabaseSync(process.argv[1], { timeout: 5_000 })
      process.stdout.write('there')
      for (;;) db.exec('PRAGMA wal_checkpoint(PASSIVE)')`
    const other = spawn(process.execPath, ['-e', program, join(directory, 'keys.sqlite')], { cwd: projectRoot() })
    onTestFinished(async () => {
      other.kill('SIGKILL')
      await once(other, 'exit')
    })
    await once(other.stdout, 'data')
    const sealed = sealedOf(directory)
    for (const hint of hints) await store.shred('doc-1', hint)
    expect(found(directory, sealed)).toBe(0)
  })

  it('stays shredded through a thief who puts the sealed bytes of another in its place', async () => {
    const directory = temporaryDirectory()
    const { store, hints } = await withOldKeys(directory, 1)
    await store.shred('doc-1', hints[0]!)
    await store.close()
    edit(
      directory,
      `UPDATE document_keys SET state = 'inactive',
         sealed = (SELECT sealed FROM document_keys WHERE state = 'active') WHERE state = 'shredded'`,
    )
    await expect(openIn(directory).find('doc-1', hints[0]!)).rejects.toThrow('a stored key cannot be opened')
  })
})

describe('a master key', () => {
  it('is what `openssl rand -base64 32` prints, newline included', async () => {
    const directory = temporaryDirectory()
    const printed = 'Cxs9wUtRmU0c4NQ2yqrQwEZ1H1lRk9mA0mXo0bq3tXQ='
    writeFileSync(join(directory, 'master.key'), `${printed}\n`)
    const { keyHint } = await openIn(directory).currentOrNew('doc-1')
    expect(await openIn(directory).find('doc-1', keyHint)).toBeDefined()
  })

  it.each([
    ['empty', ''],
    ['too short', Buffer.alloc(16, 7).toString('base64')],
    ['a passphrase', 'hunter2 hunter2 hunter2 hunter2 hunter2 hunter2'],
    ['hexadecimal', 'ab'.repeat(32)],
    ['nothing but zeros', Buffer.alloc(32).toString('base64')],
    ['a counter', Buffer.from(Array.from({ length: 32 }, (_, index) => index)).toString('base64')],
    ['a pattern', Buffer.from('f00dcafe'.repeat(8), 'hex').toString('base64')],
    ['a text in base64', Buffer.from('Tr0ub4dor&3, and a correct horse').toString('base64')],
  ])('that is %s is refused, and not quoted', async (_what, text) => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'master.key'), text)
    const open = () => openSqliteKeyStore(directory)
    expect(open).toThrow(expect.objectContaining({ code: 'master-key-invalid' }))
    if (text) expect(open).not.toThrow(text)
  })

  it('that is lost is not replaced: new keys in place of the old would lose every document', async () => {
    const { directory } = await usedDirectory()
    rmSync(join(directory, 'master.key'))
    expect(() => openSqliteKeyStore(directory)).toThrow(expect.objectContaining({ code: 'master-key-missing' }))
    expect(readdirSync(directory)).not.toContain('master.key')
  })

  it('of another database is noticed at once', async () => {
    const [{ directory }, other] = [await usedDirectory(), await usedDirectory()]
    copyFileSync(join(other.directory, 'master.key'), join(directory, 'master.key'))
    expect(() => openSqliteKeyStore(directory)).toThrow(expect.objectContaining({ code: 'master-key-wrong' }))
  })

  it('is made once by processes that start together on a new directory', async () => {
    const directory = join(temporaryDirectory(), 'keys')
    const stores = Array.from({ length: 5 }, () => openIn(directory))
    const issued = await Promise.all(stores.map((store) => store.currentOrNew('doc-1')))
    expect(new Set(issued.map(({ key }) => key)).size).toBe(1)
    expect(readdirSync(directory).filter((name) => name.startsWith('master'))).toEqual(['master.key'])
  })
})

describe('a thief who can write to the database', () => {
  it('cannot have one document opened with the key of another', async () => {
    const { directory, one } = await usedDirectory()
    edit(
      directory,
      `UPDATE document_keys SET sealed = (SELECT sealed FROM document_keys WHERE document = CAST('doc-2' AS BLOB))
       WHERE document = CAST('doc-1' AS BLOB)`,
    )
    await expect(openIn(directory).find('doc-1', one.keyHint)).rejects.toThrow('a stored key cannot be opened')
  })

  it('cannot move a key to another hint', async () => {
    const { directory } = await usedDirectory()
    edit(directory, "UPDATE document_keys SET hint = CAST('mine' AS BLOB) WHERE document = CAST('doc-1' AS BLOB)")
    await expect(openIn(directory).find('doc-1', 'mine')).rejects.toThrow('a stored key cannot be opened')
  })

  it.each(["x''", "x'01'", 'zeroblob(100)', 'zeroblob(29)'])(
    'gets 500 for %s, never another key, and the log names no document',
    async (sealed) => {
      const { directory, one } = await usedDirectory()
      edit(directory, `UPDATE document_keys SET sealed = ${sealed}`)
      const log = recordingLog()
      const { url } = await startKeyServer({ data: directory, log })
      for (const keyHint of [null, one.keyHint]) {
        const answer = await ask(url, { documentId: 'doc-1', keyHint })
        expect([answer.status, answer.text]).toEqual([500, '{"error":"internal"}'])
      }
      expect(JSON.stringify(log.lines)).not.toContain('doc-1')
      expect(JSON.stringify(log.lines)).not.toContain(one.keyHint)
    },
  )
})

describe('a database of version 1', () => {
  /** The tables as version 1 made them. The sealing was the same. */
  const AS_VERSION_1 = `
    CREATE TABLE v1 (
      document BLOB NOT NULL, hint BLOB NOT NULL, epoch INTEGER NOT NULL,
      active INTEGER NOT NULL CHECK (active IN (0, 1)), sealed BLOB NOT NULL, created_ms INTEGER NOT NULL,
      PRIMARY KEY (document, hint), UNIQUE (document, epoch)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO v1 SELECT document, hint, 1, 1, sealed, created_ms FROM document_keys;
    DROP TABLE document_keys;
    ALTER TABLE v1 RENAME TO document_keys;
    CREATE UNIQUE INDEX one_active_key ON document_keys (document) WHERE active = 1;
    PRAGMA user_version = 1`

  it('keeps its keys and their numbers, can rotate them, and is migrated once by all who open it', async () => {
    const { directory, one, two } = await usedDirectory()
    edit(directory, AS_VERSION_1)
    const [store, other] = [openIn(directory), openIn(directory)]
    const migrated = { ...one, epoch: 1 }
    expect(await store.currentOrNew('doc-1')).toEqual(migrated)
    expect(await other.find('doc-2', two.keyHint)).toEqual({ ...two, epoch: 1 })
    const next = await store.rotate('doc-1', one.keyHint)
    expect(next.epoch).toBeGreaterThan(1)
    expect(await other.find('doc-1', one.keyHint)).toEqual({ ...migrated, active: false })
    expect(await other.shred('doc-1', one.keyHint)).toMatchObject({ state: 'shredded' })
    expect(await store.find('doc-1', one.keyHint)).toBeUndefined()
  })
})

it.skipIf(!existsSync(OPEN_FILES))('a file that is no database is let go of, by whoever goes on without it', () => {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'master.key'), randomBytes(32).toString('base64'))
  writeFileSync(join(directory, 'keys.sqlite'), Buffer.alloc(8_192, 7))
  expect(() => openSqliteKeyStore(directory)).toThrow(expect.objectContaining({ code: 'store-damaged' }))
  expect(openFiles().filter((path) => path.startsWith(directory))).toEqual([])
})

it('a database of a newer version is left alone', async () => {
  const { directory } = await usedDirectory()
  edit(directory, 'PRAGMA user_version = 4')
  expect(() => openSqliteKeyStore(directory)).toThrow(expect.objectContaining({ code: 'store-unsupported' }))
})
