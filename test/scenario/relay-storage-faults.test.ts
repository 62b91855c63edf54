import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { openDatabase } from '../../server/relay/src/log/sqlite-database.ts'
import { projectRoot } from '../support/project-root.ts'
import { startRelayProcess } from '../support/relay-process.ts'
import { type ServerProcess, startServerProcess } from '../support/server-process.ts'
import { smallDisk } from '../support/small-disk.ts'
import { FakeSealer, fakeRecord, RawClient, sha256 } from './relay-raw-client.ts'

const MAIN = 'server/relay/dist/main.js'
const disk = smallDisk(4 * 1024 * 1024)
disk?.remove()
const ended: (() => unknown)[] = []

afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'y-sealed-faults-'))
  ended.push(() => rmSync(path, { recursive: true, force: true }))
  return path
}

async function start(data: string): Promise<ServerProcess> {
  const relay = await startRelayProcess(data)
  ended.push(() => relay.stop())
  return relay
}

/** What a relay says that cannot start on this folder. */
function refusedStart(data: string): { status: number | null; stderr: string } {
  const args = [join(projectRoot(), MAIN), '--port', '0', '--data', data]
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 })
  return { status, stderr }
}

/** Appends to one room, and knows what of it was acked. */
class Writer {
  readonly acked: string[] = []
  readonly #sealer = new FakeSealer()
  readonly #client: RawClient

  constructor(client: RawClient) {
    this.#client = client
  }

  static async in(relay: ServerProcess, room = 'room'): Promise<Writer> {
    const client = await RawClient.connect(relay.url)
    ended.push(() => client.end())
    await client.join(room)
    await client.open(RECORD)
    return new Writer(client)
  }

  /** 'ack', or the code of the refusal. */
  async append(sealedBytes: number): Promise<string> {
    const envelope = this.#sealer.seal(sealedBytes)
    const answer = await this.#client.append([envelope])
    if (answer.type === 'ack') this.acked.push(hex(envelope))
    // As a client does: what was not acked is sealed again, under the same counter here.
    else this.#sealer.counter--
    return answer.type === 'ack' ? 'ack' : answer.code
  }
}

const RECORD = fakeRecord()
const hex = (envelope: Uint8Array) => Buffer.from(sha256(envelope)).toString('hex')

async function readLog(relay: ServerProcess, room = 'room'): Promise<string[]> {
  const reader = await RawClient.connect(relay.url)
  ended.push(() => reader.end())
  await reader.join(room, { observe: true })
  await reader.hears('caught-up')
  return [...reader.received().values()].map(hex)
}

/** Its log comes by another way than its answers. */
const logs = (relay: ServerProcess, text: string) => vi.waitFor(() => expect(relay.output).toContain(text), 10_000)

describe('a full disk', () => {
  it.skipIf(!disk)(
    'is refused and never acked; readers are served on; with room again the same relay goes on, and a kill loses nothing (needs root, for a disk)',
    async () => {
      const small = smallDisk(4 * 1024 * 1024)!
      ended.push(() => small.remove())
      const relay = await start(join(small.path, 'data'))
      const writer = await Writer.in(relay)
      // Small ones, which wait in the journal, and large ones, which do not.
      for (let i = 0; i < 5; i++) expect(await writer.append(100)).toBe('ack')
      expect(await writer.append(40_000)).toBe('ack')
      for (let i = 0; i < 5; i++) expect(await writer.append(100)).toBe('ack')
      small.fillBut(100_000)
      let answer = 'ack'
      for (let appends = 0; answer === 'ack'; appends++) {
        expect(appends).toBeLessThan(100)
        answer = await writer.append(appends % 2 === 0 ? 30_000 : 500)
      }
      expect(answer).toBe('internal')
      expect(await writer.append(100_000)).toBe('internal')
      await logs(relay, '"code":"SQLITE_FULL"')
      // Others read what is there, and nothing of what was refused.
      expect(await readLog(relay)).toEqual(writer.acked)

      small.empty()
      expect(await writer.append(30_000)).toBe('ack')
      expect(await writer.append(100)).toBe('ack')
      await relay.kill()
      await relay.restart()
      expect(await readLog(relay)).toEqual(writer.acked)
    },
  )

  it.skipIf(!disk)(
    'stops a relay from starting with a sentence, and not from starting later (needs root, for a disk)',
    async () => {
      const small = smallDisk(512 * 1024)!
      ended.push(() => small.remove())
      small.fillBut(8_000)
      const data = join(small.path, 'data')
      expect(refusedStart(data)).toEqual({ status: 1, stderr: expect.stringContaining('SQLITE_FULL') })
      small.empty()
      expect(await (await Writer.in(await start(data))).append(100)).toBe('ack')
    },
  )
})

describe('a disk that fails each write', () => {
  it('is refused and never acked, and once it works again the same relay goes on', async () => {
    const data = folder()
    const relay = await start(data)
    const writer = await Writer.in(relay)
    expect(await writer.append(100)).toBe('ack')
    limitFiles(relay.pid, '1024')
    expect(await writer.append(100)).toBe('internal')
    expect(await writer.append(30_000)).toBe('internal')
    await logs(relay, '"code":"SQLITE_IOERR')
    expect(await readLog(relay)).toEqual(writer.acked)
    limitFiles(relay.pid, 'unlimited')
    expect(await writer.append(30_000)).toBe('ack')
    await relay.kill()
    await relay.restart()
    expect(await readLog(relay)).toEqual(writer.acked)
  })
})

/** From now on the process cannot write beyond this place of any file. */
function limitFiles(pid: number, bytes: string): void {
  expect(spawnSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`]).status).toBe(0)
}

describe('a disk that is read-only', () => {
  it.skipIf(!disk)('stops a relay from starting, with its name (needs root, for a disk)', async () => {
    const small = smallDisk(4 * 1024 * 1024)!
    ended.push(() => small.remove())
    const data = join(small.path, 'data')
    const relay = await startRelayProcess(data)
    const writer = await Writer.in(relay)
    expect(await writer.append(100)).toBe('ack')
    expect(await relay.stop()).toBe(0)
    small.makeReadOnly()
    expect(refusedStart(data)).toEqual({
      status: 1,
      stderr: expect.stringMatching(
        /y-sealed-relay: the data directory cannot be used: .*(SQLITE_READONLY|EROFS|SQLITE_CANTOPEN)/,
      ),
    })
  })

  it.skipIf(process.platform !== 'linux')(
    'a place where nobody can make a folder stops it as well, and not by trying for ever (Linux)',
    () => {
      expect(refusedStart('/proc/y-sealed/data')).toEqual({
        status: 1,
        stderr: expect.stringContaining('cannot be used'),
      })
    },
  )
})

describe('a damaged database', () => {
  it('is named at the start', () => {
    const data = folder()
    writeFileSync(join(data, 'relay.db'), 'not a database, however often one looks at it'.repeat(100))
    expect(refusedStart(data)).toEqual({ status: 1, stderr: expect.stringContaining('(SQLITE_NOTADB)') })
  })

  it('while the relay runs: who reads there is told so and may come back, everybody else goes on', async () => {
    const data = folder()
    const relay = await startRelayProcess(data)
    ended.push(() => relay.kill())
    const writer = await Writer.in(relay, 'damaged')
    // More than SQLite keeps in memory.
    for (let i = 0; i < 40; i++) expect(await writer.append(200_000)).toBe('ack')
    await relay.stop()
    await relay.restart()
    garbleMiddle(join(data, 'relay.db'))
    const reader = await RawClient.connect(relay.url)
    ended.push(() => reader.end())
    // It may be answered by the close.
    void reader.join('damaged', { observe: true })
    expect(await reader.hears('closed')).toMatchObject({ code: 4500 })
    await logs(relay, '"code":"SQLITE_CORRUPT"')
    const other = await Writer.in(relay, 'sound')
    expect(await other.append(100)).toBe('ack')
    expect(await readLog(relay, 'sound')).toEqual(other.acked)
  })
})

/** Ten pages in a row, in the middle of what large contents take: where they go on is lost. */
function garbleMiddle(file: string): void {
  const pageBytes = 4096
  const middle = Math.floor(statSync(file).size / pageBytes / 2)
  const descriptor = openSync(file, 'r+')
  for (let page = middle; page < middle + 10; page++) {
    writeSync(descriptor, new Uint8Array(64).fill(0xff), 0, 64, page * pageBytes)
  }
  closeSync(descriptor)
}

it('a database that somebody else has locked is refused at once, not waited for; once it is free the relay goes on', async () => {
  const data = folder()
  const relay = await start(data)
  const writer = await Writer.in(relay)
  expect(await writer.append(100)).toBe('ack')
  const other = new DatabaseSync(join(data, 'relay.db'))
  ended.push(() => other.close())
  other.exec('BEGIN IMMEDIATE')
  expect(await writer.append(100)).toBe('internal')
  await logs(relay, '"code":"SQLITE_BUSY"')
  other.exec('COMMIT')
  expect(await writer.append(100)).toBe('ack')
  expect(await readLog(relay)).toEqual(writer.acked)
})

it('a data directory has one relay: a second is refused, also in the same process, and may come when the first was killed', async () => {
  const data = folder()
  const relay = await start(data)
  expect(refusedStart(data)).toEqual({
    status: 1,
    stderr: expect.stringContaining('another process has this data directory'),
  })
  await relay.kill()
  const held = openDatabase(data, 'full')
  expect(() => openDatabase(data, 'full')).toThrow('another process has this data directory')
  held.close()
})

describe('--durability', () => {
  it.each([
    ['full', 2],
    ['os', 1],
  ] as const)('%s is synchronous=%i', (durability, synchronous) => {
    const { database, close } = openDatabase('memory', durability)
    expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous })
    close()
  })

  it('os: a relay that is killed has all that it has acked; what a machine without power loses no test can show', async () => {
    const relay = await startServerProcess(MAIN, { data: folder(), durability: 'os' })
    ended.push(() => relay.stop())
    const writer = await Writer.in(relay)
    for (let i = 0; i < 20; i++) expect(await writer.append(i % 2 === 0 ? 100 : 20_000)).toBe('ack')
    await relay.kill()
    await relay.restart()
    expect(await readLog(relay)).toEqual(writer.acked)
  })
})
