import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseCommand } from '../../../server/relay/src/command.ts'
import { SETTING_KEYS, SETTINGS, type Setting } from '../../../server/relay/src/config/settings.ts'
import { checkLimits, DEFAULT_RELAY_LIMITS } from '../../../server/relay/src/limits.ts'
import { DEFAULT_RETENTION } from '../../../server/relay/src/log/retention.ts'
import { projectRoot } from '../../support/project-root.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'y-sealed-config-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const parsed = (args: string[], environment: Record<string, string> = {}) =>
  parseCommand(['node', 'y-sealed-relay', ...args], environment)
const settings = (args: string[], environment?: Record<string, string>) => parsed(args, environment).settings

function configFile(content: unknown): string {
  const path = join(folder, 'relay.json')
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

/** The command as an operator runs it. */
function relay(...args: string[]) {
  const main = join(projectRoot(), 'server/relay/dist/main.js')
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', env: {} })
  return { status, stdout, stderr }
}

describe('settings', () => {
  it('say what holds where nobody says anything', () => {
    expect(settings([])).toEqual({
      port: 8787,
      data: './data/relay',
      partitions: 0,
      durability: 'full',
      host: '127.0.0.1',
      retention: DEFAULT_RETENTION,
      logLevel: 'warn',
      limits: {},
    })
  })

  it('a flag goes before the environment, that before the file, that before the default', () => {
    const config = configFile({
      port: 1,
      retention: '1d',
      host: '::1',
      origins: ['https://a.example', 'https://b.example'],
    })
    const environment = { Y_SEALED_PORT: '2', Y_SEALED_RETENTION: '12h', Y_SEALED_CONFIG: config }
    const { settings, said } = parsed(['--port', '3'], environment)
    expect(settings).toMatchObject({
      port: 3,
      retention: 43_200_000,
      host: '::1',
      origins: ['https://a.example', 'https://b.example'],
      durability: 'full',
    })
    const sources = [said.port, said.retention, said.host, said.durability, said.store].map((one) => one?.source)
    expect(sources).toEqual(['flag', 'environment', 'file', 'default', undefined])
    expect(parsed(['--config', config]).settings.port).toBe(1)
  })

  it('limits are named one by one, or all in one; in the file they are an object', () => {
    expect(settings(['--limit', 'maxDocumentBytes=1e9', '--limit', 'maxConnections=5,joinBurst=7']).limits).toEqual({
      maxDocumentBytes: 1e9,
      maxConnections: 5,
      joinBurst: 7,
    })
    expect(settings([], { Y_SEALED_LIMITS: 'maxConnections=5' }).limits).toEqual({ maxConnections: 5 })
    const config = configFile({ limits: { maxConnections: 6, joinBurst: 8 } })
    expect(settings(['--config', config]).limits).toEqual({ maxConnections: 6, joinBurst: 8 })
  })

  it.each([
    [{ orgins: [] }, 'there is no setting "orgins"'],
    [{ limits: { maxConections: 5 } }, 'there is no "maxConections"'],
    [{ port: 'eight' }, 'port: a port is a number from 0 to 65535; got eight'],
    [{ port: null }, 'port is no text'],
    [{ origins: [1] }, 'origins is no text'],
    [{ __proto__: null, constructor: 'x' }, 'there is no setting "constructor"'],
    [[], 'expected an object'],
    ['{ "store": "postgres://me:secret@', 'it is no JSON'],
  ])('a file that is wrong is told what is wrong, by its name: %j', (content, sentence) => {
    const config = configFile(content)
    expect(() => settings(['--config', config])).toThrow(sentence)
    expect(() => settings(['--config', config])).not.toThrow('secret')
  })

  it.each([
    [
      ['--retention', '3 weeks'],
      "--retention <time>: 'all', 'head', or a number of d(ays), h(ours), m(inutes); got 3 weeks",
    ],
    [['--limit', 'maxConections=5'], 'there is no "maxConections"'],
    [
      ['--limit', 'maxDocumentBytes=5MB'],
      'expected name=number, such as maxDocumentBytes=1e9; got maxDocumentBytes=5MB',
    ],
    [['--durability', 'never'], "--durability <when>: 'full' or 'os'; got never"],
    [['--config', '/nowhere/relay.json'], '/nowhere/relay.json: it cannot be read'],
    [['--jwks-url', 'https://a.example', '--token-secret-file', 'b'], 'expected one of jwksUrl and tokenSecretFile'],
    [['--orgins', 'https://a.example'], "unknown option '--orgins'"],
  ])('what cannot be ends the command with a sentence: %j', (args, sentence) => {
    expect(relay(...args)).toEqual({ status: 1, stdout: '', stderr: expect.stringContaining(sentence) })
  })
})

it('--help is read by itself: it points to no place below', () => {
  const { status, stdout } = relay('--help')
  expect([status, stdout.includes('--retention'), stdout.includes('below')]).toEqual([0, true, false])
})

describe('--print-config', () => {
  it('prints what is in force and who said so, and no password', () => {
    const config = configFile({ host: '::1', limits: { maxConnections: 6 } })
    const store = 'postgres://me:a-secret@database.example/relay?password=another'
    const { status, stdout, stderr } = relay('--print-config', '--config', config, '--store', store, '--port', '0')
    expect([status, stderr]).toEqual([0, ''])
    const lines = new Map(
      stdout
        .trim()
        .split('\n')
        .map((line) => [line.split(/ +/)[0], line.split(/ +/).slice(1)]),
    )
    expect(lines.get('port')).toEqual(['flag', '0'])
    expect(lines.get('host')).toEqual(['file', '::1'])
    expect(lines.get('durability')).toEqual(['default', 'full'])
    expect(lines.get('origins')).toEqual(['unset'])
    expect(lines.get('store')).toEqual(['flag', 'postgres://***@database.example/relay?***'])
    expect(lines.get('limits.maxConnections')).toEqual(['file', '6'])
    expect(lines.get('limits.joinBurst')).toEqual(['default', String(DEFAULT_RELAY_LIMITS.joinBurst)])
    expect(stdout).not.toMatch(/a-secret|another/)
    for (const key of SETTING_KEYS) expect(stdout).toContain(key)
  })
})

it("the README's table is made of the settings", () => {
  const rows = SETTING_KEYS.map((key) => {
    const { flag, environment, fallback, help }: Setting = SETTINGS[key]
    const [name] = flag.split(' ')
    return `| \`${name}\` | \`${environment}\` | \`${key}\` | ${fallback ? `\`${fallback}\`` : ''} | ${help} |`.replace(
      '|  |',
      '| |',
    )
  })
  const readme = readFileSync(join(projectRoot(), 'server/relay/README.md'), 'utf8')
  const table = readme.split('\n').filter((line) => line.startsWith('| `--'))
  expect(table).toEqual(rows)
})

it.each([
  [{ maxConections: 5 }, 'there is no "maxConections"'],
  [{ toString: 5 }, 'there is no "toString"'],
  [{ maxConnections: -1 }, 'a number from 0; got -1'],
  [{ maxConnections: Number.NaN }, 'a number from 0; got NaN'],
  [{ pauseMs: 5_001 }, 'at most 5000; got 5001'],
  [{ maxAppendBytes: 1e9 }, 'at most 67108864; got 1000000000'],
])('limits that are none, or beyond the protocol, are named: %o', (limits, sentence) => {
  expect(() => checkLimits(limits)).toThrow(sentence)
})
