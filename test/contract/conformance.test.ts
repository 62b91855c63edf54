import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKeyServer } from '@y-sealed/key-endpoint'
import { expect, it, onTestFinished } from 'vitest'
import { type Conformance, proveEndpoint, runCommand } from '../support/conformance.ts'
import { authorizeUsers as authorize } from '../support/conformance-users.ts'
import { type Mistake, ORIGIN, startMinimalEndpoint, USERS } from '../support/minimal-endpoint.ts'
import { startPlainEndpoint } from '../support/plain-endpoint.ts'
import { fixedKeyPerDocument, saltInHint } from '../support/plain-key-methods.ts'

// `y-sealed conformance` as a process, against endpoints that are right and endpoints that are wrong in one thing each.

/** What no endpoint can be asked, and what belongs to another dialect. */
const NEVER = ['KE11', 'KE17', 'KE18', 'KE19']
/** 10 MB, and forty documents: for the endpoints that are right, and not for each that is wrong in something else. */
const SLOW = 'SIZE-2,KE15'
const BEYOND_THE_CONTRACT = ['AFTER-1', 'AFTER-2', 'ACTIVE-1', 'EPOCH-1', 'RECORD-1']

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'y-sealed-ours-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

async function proveMinimal(mistake?: Mistake): Promise<Conformance> {
  const endpoint = await startMinimalEndpoint(mistake)
  try {
    const report = await proveEndpoint(endpoint.url, USERS, '--origin', ORIGIN, '--skip', SLOW)
    // Whatever the endpoint gave away, the report does not hand it on.
    expect(endpoint.keys.filter((key) => report.output.includes(key.trim()))).toEqual([])
    return report
  } finally {
    await endpoint.close()
  }
}

it('our endpoint in memory keeps every rule, with everything that is beyond the plain contract', async () => {
  const server = await createKeyServer({ data: 'memory', port: 0, authorize, cors: [ORIGIN] })
  onTestFinished(() => server.close())
  const report = await proveEndpoint(server.url, USERS, '--origin', ORIGIN)
  expect(report).toMatchObject({ exitCode: 0, failed: [], weaker: [] })
  expect(Object.keys(report.skipped).sort()).toEqual([...NEVER, 'KE20', 'KE3', 'KE8'].sort())
  expect(report.passed).toHaveLength(35)
})

it('our endpoint on SQLite keeps every rule, and after a restart what the run before was given', async () => {
  const data = temporaryDirectory()
  const memory = join(temporaryDirectory(), 'memory.json')
  const run = async (...flags: string[]) => {
    const server = await createKeyServer({ data, port: 0, authorize, cors: [ORIGIN] })
    try {
      return await proveEndpoint(server.url, USERS, '--origin', ORIGIN, '--memory', memory, ...flags)
    } finally {
      await server.close()
    }
  }
  const first = await run()
  expect([first.exitCode, first.failed, first.skipped.KE3]).toEqual([0, [], expect.stringContaining('restart')])
  const second = await run('--only', 'KE3')
  expect([second.exitCode, second.passed, second.failed]).toEqual([0, ['KE3'], []])
  // Another endpoint under the same name, or one that began anew.
  const stranger = await createKeyServer({ data: 'memory', port: 0, authorize, cors: [ORIGIN] })
  onTestFinished(() => stranger.close())
  const third = await proveEndpoint(stranger.url, USERS, '--origin', ORIGIN, '--memory', memory, '--only', 'KE3')
  expect([third.exitCode, third.failed]).toEqual([1, ['KE3']])
})

it.each(['key-id', 'get'] as const)(
  'our endpoint keeps every rule in the dialect %s, where it is on',
  async (dialect) => {
    const options = { data: 'memory', port: 0, authorize, cors: [ORIGIN], dialects: [dialect] }
    const server = await createKeyServer(options)
    onTestFinished(() => server.close())
    const report = await proveEndpoint(server.url, USERS, '--origin', ORIGIN, '--dialect', dialect)
    expect(report).toMatchObject({ exitCode: 0, failed: [], weaker: ['active', 'after', 'epoch', 'record'] })
    expect(report.passed.includes('KE11')).toBe(dialect === 'key-id')
  },
)

it('an endpoint of the plain contract passes, and the report names what it is weaker by', async () => {
  const report = await proveMinimal()
  expect(report).toMatchObject({ exitCode: 0, failed: [], weaker: ['active', 'after', 'epoch', 'record'] })
  expect(Object.keys(report.skipped).sort()).toEqual(
    [...NEVER, ...BEYOND_THE_CONTRACT, 'KE16', 'KE20', 'KE3', 'KE8'].sort(),
  )
})

// Each mistake with every rule that it breaks, and no other.
const MISTAKES: readonly (readonly [Mistake, readonly string[]])[] = [
  ['a new key for each hint', ['KE2', 'KE4', 'KE5', 'KE7', 'KE10', 'SIZE-1', 'KE6', 'KE9', 'KE9-json', 'READER-1']],
  ['a hint opens every document', ['KE5']],
  ['GET gets a key, and a cache keeps it', ['CACHE-1', 'METHOD-1']],
  ['every web page may read, with credentials', ['KE14', 'CORS-1', 'TYPE-2']],
  ['the origin that asks is the origin that may', ['CORS-1', 'TYPE-2']],
  ['an error lists the keys there are', ['ERROR-1']],
  ['a race for the first key gives two', ['KE6']],
  ['"" is taken for null', ['KE7']],
  ['an unknown hint is given a key of its own', ['KE4', 'KE5', 'KE7', 'KE10', 'SIZE-1']],
  ['half a character is replaced', ['SURROGATE-1']],
  ['document ids are normalised', ['KE9']],
  ['strangers are told which documents exist', ['KE12']],
  ['the hint is the e-mail address of who asked', ['HINT-1']],
  ['a wrong type is an error of the server', ['KE13']],
  ['the key stands in a header, too', ['TYPE-1']],
]

it.each(MISTAKES)('it catches: %s', async (mistake, broken) => {
  const report = await proveMinimal(mistake)
  expect(report.exitCode).toBe(1)
  expect(report.failed.sort()).toEqual([...broken].sort())
})

it('it catches a key that is normalised and trimmed on its way back, wherever a key is compared', async () => {
  const report = await proveMinimal('the key is normalised and trimmed on its way back')
  expect(report.failed).toEqual(expect.arrayContaining(['KE2', 'KE6', 'KE9']))
})

it('a member that it is said to know and does not is a failure, not a weakness', async () => {
  const endpoint = await startMinimalEndpoint()
  onTestFinished(() => endpoint.close())
  const report = await proveEndpoint(
    endpoint.url,
    USERS,
    '--knows',
    'after,epoch',
    '--only',
    'AFTER-1,EPOCH-1,RECORD-1',
  )
  expect(report).toMatchObject({ exitCode: 1, failed: ['AFTER-1', 'EPOCH-1'], weaker: ['active', 'record'] })
  expect(report.skipped).toEqual({ 'RECORD-1': 'it does not know "record"' })
})

it.each([
  ['ignored', fixedKeyPerDocument, ['KE2', 'KE8', 'KE15'], ['KE4', 'KE5', 'KE7']],
  ['salt', saltInHint, ['KE2', 'KE15', 'KE16'], ['KE4', 'KE5', 'KE7']],
] as const)(
  'an endpoint whose hints are %s passes where that is said, with its weakness named',
  async (kind, make, passed, skipped) => {
    const endpoint = await startPlainEndpoint(make())
    onTestFinished(() => endpoint.stop())
    const only = [...passed, ...skipped].join(',')
    const said = await proveEndpoint(endpoint.url, {}, '--hints', kind, '--only', only)
    expect([said.exitCode, said.passed.sort(), Object.keys(said.skipped).sort()]).toEqual([
      0,
      [...passed].sort(),
      skipped,
    ])
    expect(said.weaker).toContain('hints')
    const unsaid = await proveEndpoint(endpoint.url, {}, '--only', only)
    expect([unsaid.exitCode, unsaid.failed.includes('KE4')]).toEqual([1, true])
  },
)

it('it catches a redirect and does not follow it', async () => {
  const report = await proveMinimal('it redirects')
  expect(report.failed).toContain('REDIRECT-1')
  expect(report.output).toContain('307 with a Location')
})

it('it prints each rule, what was expected, what came and who asks for it, for people to read', async () => {
  const endpoint = await startMinimalEndpoint('a hint opens every document')
  const { exitCode, output } = await runCommand('conformance', endpoint.url, '--users', usersFile(), '--skip', SLOW)
  await endpoint.close()
  expect(exitCode).toBe(1)
  expect(output).toMatch(/pass {2}KE1 /)
  expect(output).toMatch(
    /FAIL {2}KE5 .*\n +expected {2}403 or 404 .*\n +got {7}200 with key [0-9a-f]{8} of 43 units, that of the other document\n +source {4}TinyMCE/,
  )
  expect(output).toMatch(/\d+ passed, 1 failed, \d+ skipped\n$/)
  expect(endpoint.keys.filter((key) => output.includes(key))).toEqual([])
})

it.each([
  ['no such host', ['conformance', 'http://127.0.0.1:1/keys'], 'no answer'],
  ['no URL', ['conformance', 'app.example/keys'], 'https://'],
  ['an unknown option', ['conformance', 'http://127.0.0.1:1/keys', '--speak', 'x'], '--speak'],
  ['no command', ['certify'], 'certify'],
  ['an unknown rule', ['conformance', 'http://127.0.0.1:1/keys', '--only', 'KE99'], 'KE99'],
])('with %s it ends with 2, which is not what an endpoint that fails ends with', async (_what, args, said) => {
  const { exitCode, output } = await runCommand(...args)
  expect(exitCode).toBe(2)
  expect(output).toContain(said)
})

it('where no question gets a key it says whom to name, and calls nothing weaker that it has not seen', async () => {
  const server = await createKeyServer({ data: 'memory', port: 0, authorize })
  onTestFinished(() => server.close())
  const nobody = await runCommand('conformance', server.url, '--only', 'KE1')
  expect(nobody.exitCode).toBe(1)
  expect(nobody.output).toContain('No question got a key; the first got 401 without a key.')
  expect(nobody.output).toContain('--users')
  expect(nobody.output).toContain('conformance-')
  expect(nobody.output).not.toContain('Weaker mode')
})

it('a file of users that is not there is named', async () => {
  const { exitCode, output } = await runCommand('conformance', 'http://127.0.0.1:1/keys', '--users', 'no-such-file')
  expect(exitCode).toBe(2)
  expect(output).toContain('usage: --users: the file cannot be read (ENOENT)')
})

it('a file of users that is no JSON is named, and nothing of it is printed', async () => {
  const path = usersFile('{"writer":{"authorization":"Bearer hunter2"')
  const { exitCode, output } = await runCommand('conformance', 'http://127.0.0.1:1/keys', '--users', path)
  expect([exitCode, output.includes('is not JSON'), output.includes('hunter2')]).toEqual([2, true, false])
  expect(readFileSync(path, 'utf8')).toContain('hunter2')
})

function usersFile(text: string = JSON.stringify(USERS)): string {
  const path = join(temporaryDirectory(), 'users.json')
  writeFileSync(path, text)
  return path
}
