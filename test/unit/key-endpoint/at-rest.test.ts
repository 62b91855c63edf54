import { chmodSync, copyFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { openSqliteKeyStore } from '@y-sealed/key-endpoint'
import { describe, expect, it, onTestFinished } from 'vitest'
import { CanarySearch } from '../../support/canary.ts'
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

describe('a master key', () => {
  it('is what `openssl rand -base64 32` prints, newline included', async () => {
    const directory = temporaryDirectory()
    const printed = Buffer.alloc(32, 0xfb).toString('base64')
    writeFileSync(join(directory, 'master.key'), `${printed}\n`)
    const { keyHint } = await openIn(directory).currentOrNew('doc-1')
    expect(await openIn(directory).find('doc-1', keyHint)).toBeDefined()
  })

  it.each([
    ['empty', ''],
    ['too short', Buffer.alloc(16, 7).toString('base64')],
    ['a passphrase', 'hunter2 hunter2 hunter2 hunter2 hunter2 hunter2'],
    ['hexadecimal', 'ab'.repeat(32)],
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

it('a database of a newer version is left alone', async () => {
  const { directory } = await usedDirectory()
  edit(directory, 'PRAGMA user_version = 2')
  expect(() => openSqliteKeyStore(directory)).toThrow(expect.objectContaining({ code: 'store-unsupported' }))
})
