import { generateKeyPairSync } from 'node:crypto'
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openKeyStore } from '@y-sealed/key-endpoint'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createCommand } from '../../server/key-endpoint/src/command/command.ts'
import { CanarySearch } from '../support/canary.ts'
import { freshPostgres, skipPostgresTests } from '../support/postgres.ts'

// docs/key-runbook.md, step by step. The command itself, in this process: `key-process` runs it as an operator does.

type Line = Readonly<Record<string, unknown>>

interface Run {
  readonly code: number
  readonly output: string
  readonly lines: Line[]
}

/** `y-sealed-keys` with these arguments. */
async function keys(...args: string[]): Promise<Run> {
  const printed: string[] = []
  const command = createCommand(
    () => Promise.reject(new Error('served')),
    (line) => void printed.push(line),
  )
  for (const one of [command, ...command.commands]) {
    one.exitOverride().configureOutput({
      writeOut: (text) => void printed.push(text),
      writeErr: (text) => void printed.push(text),
    })
  }
  let code = 0
  try {
    await command.parseAsync(args, { from: 'user' })
  } catch (error) {
    code = 1
    // What commander throws it has printed.
    if (!(error instanceof Error && error.constructor.name === 'CommanderError')) printed.push(String(error))
  }
  const lines = printed.flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Line] : []))
  return { code, output: printed.join('\n'), lines }
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'y-sealed-runbook-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

async function inDirectory(path: string): Promise<string> {
  await (await openKeyStore({ data: path })).close()
  return path
}

const auditOf = (file: string): Line[] =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)

function escrowPair(at: string, ec = true): { pem: string; pub: string } {
  const { privateKey, publicKey } = ec
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: 3072 })
  const [pem, pub] = [join(at, 'escrow.pem'), join(at, 'escrow.pub')]
  writeFileSync(pem, privateKey.export({ type: 'pkcs8', format: 'pem' }))
  writeFileSync(pub, publicKey.export({ type: 'spki', format: 'pem' }))
  return { pem, pub }
}

describe('a key in clear', () => {
  it('is shown by "create" alone, and by it once', async () => {
    const root = folder()
    const data = await inDirectory(join(root, 'keys'))
    const audit = join(root, 'audit.jsonl')
    const { lines } = await keys('create', '--data', data, '--audit-file', audit, '--', 'doc-1')
    expect(lines).toEqual([
      { documentId: 'doc-1', keyHint: expect.stringMatching(/^[\w-]{22}$/), key: expect.stringMatching(/^[\w-]{43}$/) },
    ])
    const key = String(lines[0]?.key)
    const again = await keys('create', '--data', data, '--', 'doc-1')
    expect([again.code, again.output]).toEqual([1, expect.stringContaining('the document has a key')])
    const search = new CanarySearch([key])
    for (const args of [['list'], ['rotate', 'doc-1'], ['list', 'doc-1'], ['deactivate', 'doc-1']]) {
      const { output } = await keys(args[0] ?? '', '--data', data, '--audit-file', audit, '--', ...args.slice(1))
      expect(search.in(output, args.join(' '))).toEqual([])
    }
    expect(search.in(readFileSync(audit, 'utf8'), 'the audit log')).toEqual([])
    expect(auditOf(audit).map(({ act, outcome }) => [act, outcome])).toEqual([
      ['create', 'done'],
      ['rotate', 'done'],
      ['deactivate', 'done'],
    ])
    expect(auditOf(audit)[0]).toMatchObject({ subject: expect.stringMatching(/^operator:./), purpose: null })
    expect(statSync(audit).mode & 0o777).toBe(0o600)
  })

  it('of "keygen" is a master key', async () => {
    const root = folder()
    const file = join(root, 'master')
    writeFileSync(file, `${(await keys('keygen')).output}\n`)
    const data = join(root, 'keys')
    await inDirectory(data)
    const two = ['--master-key-file', file, '--master-key-file', join(data, 'master.key')]
    await keys('create', '--data', data, '--', 'doc-1')
    expect((await keys('rewrap', '--data', data, ...two)).lines).toEqual([{ rewrapped: 1 }])
    expect((await keys('list', '--data', data)).code).toBe(1)
    expect((await keys('list', '--data', data, '--master-key-file', file)).lines).toHaveLength(1)
  })
})

describe('escrow', () => {
  it.each([
    ['an elliptic key', true],
    ['RSA', false],
  ])('for %s: everything comes back from it, it has no key in clear, and it leaves its lines', async (_what, ec) => {
    const root = folder()
    const data = await inDirectory(join(root, 'keys'))
    const store = await openKeyStore({ data })
    const first = await store.currentOrNew('doc-1')
    await store.keepRecord('doc-1', first.keyHint, 'A'.repeat(43))
    const second = await store.rotate('doc-1')
    const other = await store.currentOrNew('doc-2')
    await store.rotate('doc-2')
    await store.shred('doc-2', other.keyHint)
    await store.close()

    const { pem, pub } = escrowPair(root, ec)
    const unheard = await keys('export', '--data', data, '--recipient-file', pub)
    expect([unheard.code, unheard.output]).toEqual([1, expect.stringContaining('--audit-file')])
    const audit = join(root, 'audit.jsonl')
    const exported = await keys('export', '--data', data, '--recipient-file', pub, '--audit-file', audit)
    expect(new CanarySearch([first.key, second.key]).in(exported.output, 'the escrow file')).toEqual([])
    expect(auditOf(audit)).toMatchObject([
      { act: 'export', documentId: 'doc-1', outcome: 'done' },
      { act: 'export', documentId: 'doc-2', outcome: 'done' },
    ])

    const file = join(root, 'keys.escrow')
    writeFileSync(file, exported.output)
    const restored = await inDirectory(join(root, 'restored'))
    const wrong = escrowPair(folder())
    const refused = await keys('import', file, '--private-key-file', wrong.pem, '--data', restored)
    expect([refused.code, refused.output]).toEqual([1, expect.stringContaining('cannot be opened')])
    const imported = await keys('import', file, '--private-key-file', pem, '--data', restored)
    expect(imported.lines).toEqual([{ added: 3, known: 0, taken: 0 }])
    const back = await openKeyStore({ data: restored })
    onTestFinished(() => back.close())
    expect(await back.find('doc-1', first.keyHint)).toMatchObject({
      key: first.key,
      active: false,
      record: 'A'.repeat(43),
    })
    expect(await back.current('doc-1')).toMatchObject({ key: second.key, keyHint: second.keyHint })
    // Clients hold an endpoint to numbers that do not fall.
    expect((await back.current('doc-1'))?.epoch).toBeGreaterThan(second.epoch)
    expect(await back.find('doc-2', other.keyHint)).toBeUndefined()
  })

  it('cannot be sealed for a key that is too weak, or for none', async () => {
    const root = folder()
    const data = await inDirectory(join(root, 'keys'))
    const short = join(root, 'short.pub')
    writeFileSync(
      short,
      generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' }),
    )
    const audit = ['--audit-file', join(root, 'audit.jsonl')]
    for (const file of [short, join(data, 'master.key')]) {
      expect((await keys('export', '--data', data, '--recipient-file', file, ...audit)).code).toBe(1)
    }
  })
})

describe('keys of another endpoint', () => {
  it('are imported whole or not at all, and replace none', async () => {
    const root = folder()
    const data = await inDirectory(join(root, 'keys'))
    const file = join(root, 'old.jsonl')
    const write = (...lines: object[]) =>
      writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join('\n'))
    const old = { documentId: 'doc-1', keyHint: '2021-09-01', key: 'not a very secret 🔑' }
    write(old, { ...old, documentId: '', key: 'c4n4ry' })
    const bad = await keys('import', file, '--data', data)
    expect([bad.code, bad.output]).toEqual([1, expect.stringContaining('line 3: documentId')])
    expect(bad.output).not.toContain('c4n4ry')
    expect((await keys('list', '--data', data)).lines).toEqual([])

    write(old, { documentId: 'doc-1', key: 'the current one', isActive: true })
    expect((await keys('import', file, '--data', data)).lines).toEqual([{ added: 2, known: 0, taken: 0 }])
    write(old, { ...old, key: 'another' })
    expect((await keys('import', file, '--data', data)).lines).toEqual([{ added: 0, known: 1, taken: 1 }])
    expect((await keys('list', '--data', data)).lines).toMatchObject([
      { keyHint: '2021-09-01', state: 'inactive' },
      { keyHint: '', state: 'active' },
    ])
  })
})

describe('the restore drill', () => {
  it('gives every key of the backup again, and writes under none of them', async () => {
    const root = folder()
    const data = await inDirectory(join(root, 'keys'))
    let store = await openKeyStore({ data })
    const issued = await Promise.all(['a', 'b', 'c'].map((id) => store.currentOrNew(id)))
    await store.close()
    cpSync(data, join(root, 'backup'), { recursive: true })
    store = await openKeyStore({ data })
    await store.rotate('a')
    await store.shred('a', issued[0]!.keyHint)
    await store.close()
    rmSync(data, { recursive: true })

    cpSync(join(root, 'backup'), data, { recursive: true })
    const audit = join(root, 'audit.jsonl')
    const all = await keys('deactivate', '--all', '--data', data, '--audit-file', audit)
    expect(all.lines).toEqual([{ deactivated: 3 }])
    expect(auditOf(audit)).toMatchObject([{ act: 'deactivate', documentId: null, outcome: 'done' }])
    expect((await keys('shred', '--data', data, '--', 'a', issued[0]!.keyHint)).lines).toMatchObject([
      { state: 'shredded' },
    ])
    store = await openKeyStore({ data })
    onTestFinished(() => store.close())
    expect(await store.find('a', issued[0]!.keyHint)).toBeUndefined()
    for (const [index, id] of [
      [1, 'b'],
      [2, 'c'],
    ] as const) {
      expect(await store.find(id, issued[index]!.keyHint)).toMatchObject({ key: issued[index]!.key, active: false })
      expect((await store.currentOrNew(id)).keyHint).not.toBe(issued[index]!.keyHint)
    }
  })
})

it('"expire" deactivates what is older, and nothing else', async () => {
  const data = await inDirectory(join(folder(), 'keys'))
  const store = await openKeyStore({ data })
  onTestFinished(() => store.close())
  vi.useFakeTimers({ toFake: ['Date'] })
  try {
    const old = await store.currentOrNew('old')
    vi.setSystemTime(Date.now() + 91 * 86_400_000)
    const young = await store.currentOrNew('young')
    expect((await keys('expire', '90d', '--data', data)).lines).toEqual([{ expired: 1 }])
    expect((await keys('expire', '90d', '--data', data)).lines).toEqual([{ expired: 0 }])
    expect(await store.find('old', old.keyHint)).toMatchObject({ key: old.key, active: false })
    expect(await store.current('young')).toEqual(young)
    expect((await keys('expire', '90', '--data', data)).output).toContain('an age such as 30d')
  } finally {
    vi.useRealTimers()
  }
})

it.skipIf(skipPostgresTests)('the same commands work on PostgreSQL', async () => {
  const data = await freshPostgres()
  const master = join(folder(), 'master.key')
  writeFileSync(master, (await keys('keygen')).output)
  const on = ['--data', data, '--master-key-file', master]
  expect((await keys('create', ...on, '--', 'doc-1')).lines).toHaveLength(1)
  expect((await keys('rotate', ...on, '--', 'doc-1')).lines).toMatchObject([{ state: 'active' }])
  expect((await keys('list', ...on)).lines.map(({ state }) => state)).toEqual(['inactive', 'active'])
})

describe('no bad configuration prints a secret', () => {
  const CANARY = 'c4n4ry-Jk8dQ2vXw7Zr5Ty1Lm9Bn3Hp6Gs0'

  it.each<[string, (at: string) => string[], Record<string, string>?]>([
    ['a master key that is none, in a file', (at) => ['list', '--master-key-file', at]],
    ['a master key where the name of its file belongs', () => ['list', '--master-key-file', CANARY]],
    ['a master key that is none, in the environment', () => ['list'], { Y_SEALED_MASTER_KEY: CANARY }],
    ['global keys that are none', (at) => ['list', '--method', 'derived', '--global-keys-file', at]],
    ['a global key for a file', () => ['list', '--method', 'derived', '--global-keys-file', CANARY]],
    ['a module that is a secret', () => ['list', '--master-key-module', CANARY]],
    ['a module that is none', (at) => ['list', '--master-key-module', at]],
    [
      'a password in the URL of a database that is not there',
      () => ['list', '--data', `postgres://u:${CANARY}@127.0.0.1:1/d`],
    ],
    ['a password in a URL that is none', () => ['list', '--data', `postgres://u:${CANARY}@[/d`]],
    ['a secret as a way to make keys', () => ['list', '--method', CANARY]],
    ['a secret as an age', () => ['serve', '--rotate-after', CANARY]],
    ['a secret as a port', () => ['serve', '--port', CANARY]],
    ['a secret as a dialect', () => ['serve', '--dialects', CANARY]],
    ['a secret after a flag that there is not', () => ['list', `--master-key=${CANARY}`]],
    ['a secret as a command', () => [CANARY]],
    ['a recipient that is no key', (at) => ['export', '--recipient-file', at, '--audit-file', `${at}.audit`]],
    ['an escrow file and a private key that are none', (at) => ['import', at, '--private-key-file', at]],
    ['lines that are no keys', (at) => ['import', at]],
  ])('%s', async (_what, argsOf, environment = {}) => {
    const root = folder()
    const data = await inDirectory(join(root, 'keys'))
    const file = join(root, 'secret')
    writeFileSync(file, CANARY)
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
    try {
      const args = argsOf(file)
      const { code, output } = await keys(...(args.includes('--data') ? args : [...args, '--data', data]))
      expect(code).toBe(1)
      expect(output).not.toBe('')
      expect(new CanarySearch([CANARY]).in(output, 'what was printed')).toEqual([])
    } finally {
      vi.unstubAllEnvs()
    }
  })
})
