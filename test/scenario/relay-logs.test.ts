import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { createLog, createRelay } from '@y-sealed/relay'
import { afterEach, expect, it } from 'vitest'
import { needlesOf } from '../support/canary.ts'
import { projectRoot } from '../support/project-root.ts'
import { FakeSealer, fakeRecord, RawClient, sha256 } from './relay-raw-client.ts'

const ended: (() => unknown)[] = []

afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

it('at its most talkative, whatever fails: no room, token, parameter, hint, record or envelope is in a line', async () => {
  const data = mkdtempSync(join(tmpdir(), 'y-sealed-logs-'))
  ended.push(() => rmSync(data, { recursive: true, force: true }))
  const canary = (what: string) => `${what}-${randomBytes(9).toString('hex')}`
  const room = canary('room')
  const [token, param, hint, subject, admin, agent] = [
    'token',
    'param',
    'hint',
    'subject',
    'admin-token-of-32-bytes',
    'agent',
  ].map(canary)
  const lines: string[] = []
  const relay = await createRelay({
    data,
    port: 0,
    admin: { token: admin ?? '' },
    log: createLog('info', { write: (line) => lines.push(line) }),
    async auth(shown, { params }) {
      if (shown === 'throws') throw new Error(`nobody knows ${shown} ${params.about ?? ''}`)
      return shown === token ? { subject: subject ?? '', role: 'write' } : null
    },
  })
  ended.push(() => relay.close().catch(() => {}))
  const client = await RawClient.connect(relay.url, { 'user-agent': agent ?? '', cookie: token ?? '' })
  ended.push(() => client.end())
  const join1 = { token: token ?? '', params: { about: param ?? '' } }
  await client.join(room, join1)
  // The start of a real record is there, and then the hint.
  const hinted = Buffer.from(hint ?? '')
  const record = Buffer.concat([Buffer.from([1, 1, 0, 0, 0, 0, hinted.length]), hinted, fakeRecord().subarray(4)])
  await client.open(record)
  const sealer = new FakeSealer()
  const envelope = sealer.seal(200)
  await client.append([envelope])
  await client.append([sealer.seal(50, 1, 99)])
  // Refused tokens, an application that fails, bytes that are no frame, an operator who is none, and one.
  for (const shown of [canary('wrong'), 'throws']) {
    const other = await RawClient.connect(relay.url)
    ended.push(() => other.end())
    void other.join(room, { ...join1, token: shown }).catch(() => {})
    await other.hears('closed')
  }
  const foreign = await RawClient.connect(relay.url)
  foreign.socket.send(Buffer.from(`${room} ${token}`))
  await foreign.closed
  const act = (bearer: string | undefined, name: string, body: string) =>
    fetch(`${relay.url.replace('ws', 'http')}/admin/${name}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body,
    })
  await act(token, 'usage', JSON.stringify({ room }))
  await act(admin, 'usage', JSON.stringify({ room }))
  await act(admin, 'close-sessions', JSON.stringify({ subject: canary('nobody'), room }))
  await act(admin, `${room}`, '{}')
  await act(admin, 'usage', `{ "room": "${room}`)
  // A store that has lost its tables: SQLite quotes the statement.
  const database = new DatabaseSync(join(data, 'relay.db'))
  database.exec('PRAGMA foreign_keys = OFF; DROP TABLE salts; DROP TABLE runs; DROP TABLE documents')
  database.close()
  await client.append([sealer.seal(20_000)])
  await act(admin, 'usage', JSON.stringify({ room }))
  const late = await RawClient.connect(relay.url)
  ended.push(() => late.end())
  void late.join(room, join1).catch(() => {})
  await late.hears('closed')

  const text = lines.join('')
  for (const event of ['listening', 'admin act', 'admin act failed', 'channel failed', 'request failed'])
    expect(text).toContain(`"msg":"${event}"`)
  const secrets = [room, token, param, hint, subject, admin, agent].map((secret) => secret ?? '')
  for (const secret of secrets) for (const { bytes } of needlesOf(secret)) expect(text).not.toContain(bytes.toString())
  for (const bytes of [envelope.subarray(-60), record.subarray(0, 40), sha256(record)]) {
    for (const encoding of ['hex', 'base64', 'latin1'] as const)
      expect(text).not.toContain(Buffer.from(bytes).toString(encoding))
  }
  const allowed = ['level', 'time', 'msg', 'connections', 'rooms', 'sessions', 'bytes', 'code', 'errorName', 'port']
  for (const line of lines) expect(allowed).toEqual(expect.arrayContaining(Object.keys(JSON.parse(line))))
})

it('an event is a sentence of the source, into which nothing is put; nobody but the log writes', () => {
  const root = join(projectRoot(), 'server/relay/src')
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const sources = files.map((file) => [file, readFileSync(join(root, file), 'utf8')] as const)
  const calls = sources.flatMap(([file, source]) =>
    [...source.matchAll(/\blog\??\.(?:info|warn|error)\(([^)]*)/g)].map(([, args = '']) => [file, args] as const),
  )
  expect(calls.length).toBeGreaterThan(10)
  // What an `Authorize` says of itself at the start is the operator's own sentence; nodes.ts tells all by one method, with its own.
  const told = sources.flatMap(([file, source]) =>
    file === 'bus/nodes.ts' ? [...source.matchAll(/this\.#tell\(([^)]*)/g)].map(([, args = '']) => args) : [],
  )
  const isSentence = (args: string) => /^\s*'[^'$]+'(,|$)/.test(args)
  expect(told.filter((args) => !isSentence(args))).toEqual([])
  const free = calls.filter(([file, args]) => {
    return (
      !isSentence(args) &&
      args !== 'auth.warning' &&
      !(file === 'bus/nodes.ts' && args.startsWith('event, errorFields('))
    )
  })
  expect(free).toEqual([])
  const printing = sources.filter(
    ([, source]) => /\bconsole\./.test(source) || /process\.std(out|err)\.write/.test(source),
  )
  expect(printing.map(([file]) => file)).toEqual(['main.ts'])
})
