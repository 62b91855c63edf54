import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { type Inspection, loadLogFile } from '@y-sealed/cli'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LeveldbPersistence } from 'y-leveldb'
import * as Y from 'yjs'
import { runCli } from '../support/cli.ts'
import { runCommand } from '../support/conformance.ts'
import { flipBit } from '../support/damaged-log.ts'
import { patiently, untilText } from '../support/events.ts'
import { onNodes } from '../support/nodes.ts'
import { startWorld, type World } from '../support/world.ts'

// `y-sealed` as a process beside people who write.

let world: World
let folder: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'y-sealed-cli-'))
  world = await startWorld({ data: 'disk' })
})
afterEach(async () => {
  await world.close()
  rmSync(folder, { recursive: true })
})

/** No checkpoint has it. */
const chunkless = new Uint8Array(32)

const at = (name: string) => join(folder, name)
const relay = (room = 'room') => ['--relay', world.relayUrl, '--doc', room]
const keys = () => ['--keys', world.keysUrl]

async function exported(...flags: string[]): Promise<string> {
  const { exitCode, out, errors } = await runCli(['export', ...flags])
  expect([exitCode, errors]).toEqual([0, ''])
  return out.toString('utf8')
}

/** Somebody has written something, and it is at the relay. */
async function written(words: string, room = 'room') {
  const ada = await world.joined('Ada', { room })
  ada.text.insert(0, words)
  await patiently(ada.provider.flush(), 'her words')
  return ada
}

describe('who has no keys fetches; who has them opens it later', () => {
  test('after the document has gone on under another key, too; the relay notices nothing', async () => {
    const first = world.canary('first')
    const ada = await written(first)
    await ada.provider.rotateKey()
    ada.doc.getMap('map').set('title', world.canary('title'))
    await patiently(ada.provider.flush(), 'a title')
    const before = await world.usage()
    const fetched = await runCli(['fetch', ...relay(), '--out', at('log'), '--all'])
    expect([fetched.exitCode, fetched.errors]).toEqual([0, ''])
    expect(statSync(at('log')).mode & 0o777).toBe(0o600)
    expect(readFileSync(at('log'), 'latin1')).not.toContain('canary')
    expect(await world.usage()).toEqual(before)

    const expected = Y.encodeStateAsUpdate(ada.doc)
    const text = ada.text.toString()
    ada.text.insert(0, 'written after that ')
    await patiently(ada.provider.flush(), 'more')
    await ada.provider.rotateKey()
    const opened = ['--from', at('log'), ...keys()]
    expect(await exported(...opened, '--format', 'text', '--root', 'text')).toBe(`${text}\n`)
    expect(JSON.parse(await exported(...opened, '--format', 'json'))).toEqual({
      text,
      map: { title: ada.doc.getMap('map').get('title') },
    })
    expect(await exported(...opened, '--epoch', '0', '--format', 'json')).toBe(`{\n  "text": "${first}"\n}\n`)
    const { exitCode } = await runCli(['export', ...opened, '--out', at('update')])
    expect(exitCode).toBe(0)
    const again = new Y.Doc()
    Y.applyUpdate(again, readFileSync(at('update')))
    expect(Y.encodeStateAsUpdate(again)).toEqual(expected)
  })

  test('from a checkpoint and what came after it; a file that exists is not written over', async () => {
    const ada = await written(world.canary('before the checkpoint'))
    await ada.provider.compact()
    ada.text.insert(0, world.canary('behind it'))
    await patiently(ada.provider.flush(), 'more words')
    expect((await runCli(['fetch', ...relay(), '--out', at('log')])).exitCode).toBe(0)
    expect(await exported('--from', at('log'), ...keys(), '--format', 'text')).toBe(`${ada.text}\n`)
    const again = await runCli(['fetch', ...relay(), '--out', at('log')])
    expect([again.exitCode, again.errors]).toEqual([2, `y-sealed: usage: ${at('log')} exists\n`])
    expect(await exported(...relay(), ...keys(), '--format', 'text')).toBe(`${ada.text}\n`)

    const { log } = await loadLogFile(at('log'))
    const [chunk = Buffer.alloc(0)] = log.checkpoint(log.joined.newest?.checkpoint ?? chunkless) ?? []
    const changed = readFileSync(at('log'))
    const place = changed.indexOf(chunk) + 40
    changed[place] = (changed[place] ?? 0) ^ 1
    writeFileSync(at('log'), changed)
    expect((await runCli(['export', '--from', at('log'), ...keys()])).exitCode).toBe(5)
    const { exitCode, out } = await runCli(['inspect', '--from', at('log')])
    expect([exitCode, out.toString()]).toEqual([1, expect.stringContaining('FAULT        the checkpoint through')])
  })

  test('a file that is cut or changed opens nothing', async () => {
    await written('one')
    await runCli(['fetch', ...relay(), '--out', at('log')])
    const whole = readFileSync(at('log'))
    truncateSync(at('log'), whole.length - 30)
    const cut = await runCli(['export', '--from', at('log'), ...keys()])
    expect([cut.exitCode, cut.out.length, cut.errors]).toEqual([5, 0, expect.stringContaining('it was cut short')])
    const changed = Buffer.from(whole)
    const place = whole.length - 60
    changed[place] = (changed[place] ?? 0) ^ 1
    writeFileSync(at('log'), changed)
    const { exitCode, out } = await runCli(['export', '--from', at('log'), ...keys(), '--format', 'json'])
    expect([exitCode, out.toString()]).toEqual([5, '{}\n'])
    expect((await runCli(['inspect', '--from', at('log')])).exitCode).toBe(1)
  })
})

describe('import', () => {
  /** Their document, with something deleted in it. */
  function theirs(words: string): Y.Doc {
    const doc = new Y.Doc()
    doc.getText('text').insert(0, `${words}, and what was deleted`)
    doc.getText('text').delete(words.length, 22)
    return doc
  }

  test("y-websocket's LevelDB, once; again only when told to, and then nothing is sent", async () => {
    const words = world.canary('of y-websocket')
    const stored = new LeveldbPersistence(at('level'))
    await stored.storeUpdate('their room', Y.encodeStateAsUpdate(theirs(words)))
    await stored.destroy()
    const command = ['import', ...relay(), ...keys(), '--leveldb', at('level'), '--name', 'their room']
    const { exitCode, errors } = await runCli(command)
    expect([exitCode, errors]).toEqual([0, ''])
    expect(await world.freshText()).toBe(words)

    const before = await world.usage()
    const again = await runCli(command)
    expect([again.exitCode, again.errors]).toEqual([1, expect.stringMatching(/^y-sealed: has-content: /)])
    expect((await runCli([...command, '--merge'])).exitCode).toBe(0)
    expect(await world.usage()).toEqual(before)
    const another = await runCli([...command.slice(0, -1), 'nobody'])
    expect([another.exitCode, another.errors]).toEqual([1, expect.stringMatching(/^y-sealed: no-document: /)])
  })

  test("Hocuspocus's SQLite, beside what is there", async () => {
    const words = world.canary('of Hocuspocus')
    const database = new DatabaseSync(at('db.sqlite'))
    database.exec('CREATE TABLE documents (name varchar(255) NOT NULL, data blob NOT NULL, UNIQUE(name))')
    const update = Y.encodeStateAsUpdate(theirs(words))
    database.prepare('INSERT INTO documents VALUES (?, ?)').run('room', update)
    database.prepare('INSERT INTO documents VALUES (?, ?)').run('broken', Buffer.from('no update'))
    database.close()
    const ada = await written('hers. ')
    const command = ['import', ...relay(), ...keys(), '--hocuspocus', at('db.sqlite')]
    expect((await runCli(command)).exitCode).toBe(1)
    expect((await runCli([...command, '--merge'])).exitCode).toBe(0)
    await untilText(ada.doc, await world.freshText())
    expect(ada.text.toString()).toContain(words)
    const broken = await runCli([...command, '--merge', '--name', 'broken'])
    expect([broken.exitCode, broken.errors]).toEqual([2, expect.stringContaining('not one Yjs V1 update')])
  })

  test('an update from standard input, of several megabytes', async () => {
    const large = new Y.Doc()
    large.getText('text').insert(0, 'words '.repeat(500_000))
    const update = Y.encodeStateAsUpdate(large)
    const { exitCode, errors } = await runCli(['import', ...relay(), ...keys(), '--update', '-'], { input: update })
    expect([exitCode, errors]).toEqual([0, ''])
    // As a process: what goes through a pipe is all of it.
    const { output } = await runCommand('export', ...relay(), ...keys(), '--format', 'text')
    expect(output === `${large.getText('text')}\n`).toBe(true)
  })
})

describe('append', () => {
  test('text, map, array and an update arrive at who has the document open', async () => {
    const ada = await written('first, ')
    const line = world.canary('a line')
    const run = async (flags: string[], input: string | Uint8Array) => {
      const { exitCode, errors } = await runCli(['append', ...relay(), ...keys(), ...flags], { input })
      expect([exitCode, errors]).toEqual([0, ''])
    }
    await run(['--text', 'text'], line)
    await run(['--map', 'map'], JSON.stringify({ title: line }))
    await run(['--array', 'list'], '[1, {"two": 2}]')
    const doc = new Y.Doc()
    doc.getMap('map').set('more', 'of it')
    writeFileSync(at('update'), Y.encodeStateAsUpdate(doc))
    await run(['--update', at('update')], '')
    await untilText(ada.doc, `first, ${line}`)
    expect(JSON.parse(await exported(...relay(), ...keys(), '--format', 'json'))).toEqual({
      text: `first, ${line}`,
      map: { title: line, more: 'of it' },
      list: [1, { two: 2 }],
    })
  })

  test('what is not JSON is not quoted', async () => {
    const secret = world.canary('no JSON')
    const { exitCode, errors } = await runCli(['append', ...relay(), ...keys(), '--map', 'map'], { input: secret })
    expect([exitCode, errors]).toEqual([2, 'y-sealed: usage: what was read is not JSON\n'])
    expect(await world.records()).toEqual([])
  })
})

describe('inspect', () => {
  test('shows epochs, kinds and checkpoints without a key, and that it is one history', async () => {
    const ada = await written(world.canary('one'))
    await ada.provider.compact()
    ada.text.insert(0, 'two')
    await patiently(ada.provider.flush(), 'more')
    await ada.provider.rotateKey()
    ada.text.insert(0, 'three')
    await patiently(ada.provider.flush(), 'more')
    const { exitCode, out } = await runCli(['inspect', ...relay(), '--json'])
    expect(exitCode).toBe(0)
    const inspection: Inspection = JSON.parse(out.toString())
    const log = await world.log()
    expect(inspection).toMatchObject({ sequence: log.length, pruned: 0, verified: log.length, faults: [] })
    expect(inspection.epochs.map(({ index, from, to }) => [index, from, to])).toEqual([
      [0, 1, log.length - 1],
      [1, log.length, log.length],
    ])
    expect(inspection.kinds.update?.entries).toBe(3)
    expect(inspection.checkpoints.length).toBeGreaterThanOrEqual(2)
    const lines = (await runCli(['inspect', ...relay()])).out.toString()
    for (const { keyHint } of await ada.provider.epochs()) expect(lines).not.toContain(keyHint)
  })

  // The file of one relay is damaged.
  test.skipIf(onNodes())('a bit on the disk that is another is found, and is no secret to who exports', async () => {
    const ada = await written('one ')
    ada.text.insert(0, 'two ')
    await patiently(ada.provider.flush(), 'more')
    ada.provider.destroy()
    await world.stopRelay()
    world.damage((data) => flipBit(data, 2))
    await world.startRelay()
    const { exitCode, out } = await runCli(['inspect', ...relay()])
    expect([exitCode, out.toString()]).toEqual([1, expect.stringContaining('FAULT')])
    expect((await runCli(['export', ...relay(), ...keys()])).exitCode).toBe(5)
  })
})
