import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKeyRing, keyEndpoint } from '@y-sealed/key-client'
import { SignJWT } from 'jose'
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { CanarySearch } from '../support/canary.ts'
import { projectRoot } from '../support/project-root.ts'
import { below, seededRandom } from '../support/random.ts'
import { type ServerProcess, startServerProcess } from '../support/server-process.ts'

const BIN = 'server/key-endpoint/dist/main.js'
const bin = join(projectRoot(), BIN)

let directory: string

beforeAll(() => {
  if (!existsSync(bin))
    execFileSync(join(projectRoot(), 'node_modules/.bin/tsc'), ['-b', 'server/key-endpoint'], { cwd: projectRoot() })
})
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'y-sealed-key-process-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

async function start(flags: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await startServerProcess(BIN, { data: join(directory, 'keys'), ...flags })
  onTestFinished(async () => {
    await server.stop()
  })
  return server
}

interface Issued {
  readonly key: string
  readonly keyHint: string
  readonly epoch: number
  readonly active: boolean
}

async function ask(url: string, documentId: string, keyHint: string | null = null, after?: string): Promise<Issued> {
  // The endpoint's answers are parsed strictly elsewhere; here only equality counts.
  return (await keyEndpoint(url)({ documentId, keyHint, ...(after === undefined ? {} : { after }) })) as Issued
}

/** As many as keep two cores busy. */
async function eightAtOnce<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items]
  const work = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await run(item)
  }
  await Promise.all(Array.from({ length: 8 }, work))
}

describe('kill -9', () => {
  const DOCUMENTS = 1_000
  const KILLS = 4
  // Enough that some requests are always between question and answer.
  const AT_ONCE = 16

  it(`during ${DOCUMENTS} issues takes back no key that was answered [seed kill-1]`, { timeout: 120_000 }, async () => {
    const random = seededRandom('kill-1')
    const killAfter = new Set(Array.from({ length: KILLS }, () => 1 + below(random, DOCUMENTS - 1)))
    const server = await start()
    const waiting = Array.from({ length: DOCUMENTS }, (_, index) => `doc-${index}`)
    const answered = new Map<string, Issued>()
    let alive: Promise<void> = Promise.resolve()
    let unanswered = 0

    const work = async () => {
      for (let documentId = waiting.pop(); documentId !== undefined; documentId = waiting.pop()) {
        await alive
        try {
          answered.set(documentId, await ask(server.url, documentId))
        } catch {
          unanswered++
          waiting.push(documentId)
          continue
        }
        if (killAfter.delete(answered.size)) alive = alive.then(() => server.kill()).then(() => server.restart())
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    await alive
    await server.kill()
    await server.restart()

    expect(answered.size).toBe(DOCUMENTS)
    expect(unanswered, 'the kills struck while keys were asked for').toBeGreaterThan(0)
    expect(new Set([...answered.values()].map(({ key }) => key)).size).toBe(DOCUMENTS)
    const all = [...answered]
    await eightAtOnce(all, async ([documentId, issued]) => {
      expect(await ask(server.url, documentId, issued.keyHint)).toEqual(issued)
    })
    await eightAtOnce(all.slice(0, 100), async ([documentId, issued]) => {
      expect(await ask(server.url, documentId)).toEqual(issued)
    })
    const search = new CanarySearch([...answered.values()].flatMap(({ key, keyHint }) => [key, keyHint]))
    expect(search.in(server.output, 'what the server printed')).toEqual([])
  })

  const ROTATIONS = 300
  const CHAINS = 8

  it(`during ${ROTATIONS} rotations takes back no key that was answered [seed kill-2]`, {
    timeout: 120_000,
  }, async () => {
    const random = seededRandom('kill-2')
    const killAfter = new Set(Array.from({ length: KILLS }, () => 1 + below(random, ROTATIONS - 1)))
    const server = await start()
    const answered = new Map<string, Issued[]>()
    let alive: Promise<void> = Promise.resolve()
    let count = 0
    let unanswered = 0

    const chain = async (documentId: string) => {
      const issued: Issued[] = []
      answered.set(documentId, issued)
      while (count < ROTATIONS) {
        await alive
        try {
          issued.push(await ask(server.url, documentId, null, issued.at(-1)?.keyHint))
        } catch {
          unanswered++
          continue
        }
        if (killAfter.delete(++count)) alive = alive.then(() => server.kill()).then(() => server.restart())
      }
    }
    await Promise.all(Array.from({ length: CHAINS }, (_, index) => chain(`doc-${index}`)))
    await alive
    await server.kill()
    await server.restart()

    expect(unanswered, 'the kills struck while keys were asked for').toBeGreaterThan(0)
    await eightAtOnce([...answered], async ([documentId, issued]) => {
      const numbers = issued.map(({ epoch }) => epoch)
      expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
      for (const { key, keyHint, epoch } of issued) {
        expect(await ask(server.url, documentId, keyHint)).toMatchObject({ key, keyHint, epoch })
      }
      // A rotation may have been done and its answer killed; then the current key is a newer one that nobody was told of.
      const current = await ask(server.url, documentId)
      expect(current.active).toBe(true)
      expect(current.epoch).toBeGreaterThanOrEqual(numbers.at(-1) ?? 0)
      const active = await Promise.all(issued.map(({ keyHint }) => ask(server.url, documentId, keyHint)))
      expect(active.filter((one) => one.active && one.keyHint !== current.keyHint)).toEqual([])
    })
  })
})

describe('two processes on one directory', () => {
  const ROUNDS = 12
  const ROTATORS = 20

  it(`give ${ROTATORS} rotators one key, ${ROUNDS} times over, and never call two keys current`, {
    timeout: 120_000,
  }, async () => {
    const [left, right] = [await start(), await start()]
    const urlOf = (index: number) => (index % 2 === 0 ? left.url : right.url)
    let { keyHint } = await ask(left.url, 'doc-1')
    const hints = [keyHint]
    for (let round = 0; round < ROUNDS; round++) {
      const after = keyHint
      const answers = await Promise.all(
        Array.from({ length: ROTATORS }, (_, index) => ask(urlOf(index), 'doc-1', null, after)),
      )
      expect(new Set(answers.map(({ key }) => key)).size).toBe(1)
      expect(answers.every(({ active }) => active)).toBe(true)
      keyHint = answers[0]?.keyHint ?? ''
      hints.push(keyHint)
    }
    expect(new Set(hints).size).toBe(ROUNDS + 1)
    const again = await Promise.all(hints.map((hint, index) => ask(urlOf(index), 'doc-1', hint)))
    expect(again.filter(({ active }) => active).map(({ keyHint }) => keyHint)).toEqual([keyHint])
  })

  it('agree on one key while administrators rotate and clients ask, at both at once', {
    timeout: 120_000,
  }, async () => {
    const [left, right] = [await start(), await start()]
    const urlOf = (index: number) => (index % 2 === 0 ? left.url : right.url)
    await ask(left.url, 'doc-1')
    const rotate = async (url: string): Promise<Issued> => {
      const answer = await fetch(`${url}/rotate`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ documentId: 'doc-1' }),
      })
      expect(answer.status).toBe(200)
      // As above.
      return (await answer.json()) as Issued
    }
    const rotated = await Promise.all(Array.from({ length: 30 }, (_, index) => rotate(urlOf(index))))
    expect(new Set(rotated.map(({ epoch }) => epoch)).size).toBe(30)
    const newest = rotated.reduce((a, b) => (a.epoch > b.epoch ? a : b))
    for (const index of [0, 1]) expect((await ask(urlOf(index), 'doc-1')).keyHint).toBe(newest.keyHint)
    const all = await Promise.all(rotated.map(({ keyHint }, index) => ask(urlOf(index), 'doc-1', keyHint)))
    expect(all.filter(({ active }) => active)).toHaveLength(1)
  })
})

describe('y-sealed-keys', () => {
  it('serves a key ring, from a directory of its own, until it is told to end', async () => {
    const server = await start()
    const ring = createKeyRing({ source: keyEndpoint(server.url), documentId: 'doc-é' })
    expect(await ring.confirmNew()).toMatchObject({ active: true, record: null })
    expect(await server.stop()).toBe(0)
    expect(server.output).toContain(`y-sealed-keys listening on ${server.url}`)
  })

  it('takes its token secret from a file, as editors and openssl leave it', async () => {
    const secret = 'Vq3Xn8Lr5Tz1Wc7Hk4Bm9Yd2Sf6Gj0Pa'
    const file = join(directory, 'token-secret')
    writeFileSync(file, `${secret}\n`, { mode: 0o600 })
    const server = await start({ 'token-secret-file': file })
    const token = await new SignJWT({ role: 'write', documents: ['doc-1'] })
      .setProtectedHeader({ alg: 'HS256' })
      .setAudience('y-sealed-keys')
      .setSubject('ada')
      .setExpirationTime('5m')
      .sign(new TextEncoder().encode(secret))
    const source = keyEndpoint(server.url, { headers: { authorization: `Bearer ${token}` } })
    await expect(source({ documentId: 'doc-1', keyHint: null })).resolves.toHaveProperty('key')
    await expect(source({ documentId: 'doc-2', keyHint: null })).rejects.toMatchObject({ code: 'key-refused' })
    await expect(ask(server.url, 'doc-1')).rejects.toMatchObject({ code: 'key-refused' })
    expect(new CanarySearch([secret, token]).in(server.output, 'what the server printed')).toEqual([])
  })

  /** Beside this process, which goes on: else it would not hear of connections that a server closes meanwhile. */
  const run = (args: string[], env: Record<string, string> = {}) => {
    const clean = Object.entries(process.env).filter(([name]) => !/^(NODE_ENV|VITEST|Y_SEALED_)/.test(name))
    const options = { env: { ...Object.fromEntries(clean), ...env }, cwd: directory }
    return new Promise<{ code: unknown; output: string }>((resolve) => {
      execFile(process.execPath, [bin, ...args], options, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, output: stdout + stderr }),
      )
    })
  }

  const FLAGS = [
    ...['port', 'data', 'host', 'origins', 'token-secret-file', 'rotate-after', 'dialects', 'production-method'],
    ...['master-key-file', 'master-key-module', 'method', 'global-keys-file', 'audit-file'],
  ]

  it('explains itself, with the environment variable of each flag', async () => {
    const { code, output } = await run(['--help'])
    expect(code).toBe(0)
    for (const flag of FLAGS) {
      expect(output).toContain(`--${flag}`)
      // Help is broken into lines between words.
      expect(output.replace(/\s+/g, ' ')).toContain(`Y_SEALED_${flag.toUpperCase().replaceAll('-', '_')}`)
    }
  })

  it('does not start where it would be unsafe, says why in a sentence, and exits with 1', async () => {
    writeFileSync(join(directory, 'short'), 'hunter2-hunter2\n')
    const production = { NODE_ENV: 'production' }
    const cases: [args: string[], env: Record<string, string>, sentence: string][] = [
      [['--data', 'memory'], production, 'needs the option authorize'],
      [['--data', 'memory', '--host', '0.0.0.0'], {}, 'needs the option authorize'],
      [['--data', 'memory'], { Y_SEALED_HOST: '0.0.0.0' }, 'needs the option authorize'],
      [[], { Y_SEALED_PORT: '65536' }, 'a port is a number from 0 to 65535'],
      [['--rotate-after', '30'], {}, 'an age such as 30d, 12h or 90m'],
      [['--prot', '1'], {}, "unknown option '--prot'"],
      [['--data', 'memory', '--token-secret-file', 'absent'], {}, 'ENOENT'],
      [['--data', 'memory', '--token-secret-file', 'short'], {}, 'at least 32 bytes'],
      [['--data', 'memory', '--method', 'derived'], {}, 'name a --global-keys-file'],
      [['--data', 'postgres://127.0.0.1:1/keys'], {}, 'a master key is needed'],
    ]
    await eightAtOnce(cases, async ([args, env, sentence]) => {
      const { code, output } = await run(args, env)
      expect([code, output]).toEqual([1, expect.stringContaining(sentence)])
      expect(output).not.toContain('    at ')
      expect(output).not.toContain('hunter2')
    })
  })

  it('warns of a weak way to make keys, and makes none in production where that is not named there, too', async () => {
    const server = await start({ method: 'salted' })
    // The log is another stream than the one that says that it listens.
    await vi.waitFor(() => expect(server.output).toContain('method salted: whoever takes'), 10_000)
    await server.stop()
    const secret = join(directory, 'token-secret')
    writeFileSync(secret, 'Vq3Xn8Lr5Tz1Wc7Hk4Bm9Yd2Sf6Gj0Pa')
    const args = ['--data', 'memory', '--port', '0', '--token-secret-file', secret, '--method', 'fixed']
    const refused = await run(args, { NODE_ENV: 'production' })
    expect([refused.code, refused.output]).toEqual([1, expect.stringContaining('must be named there, too')])
    // It gets as far as its port, which is none.
    const named = await run([...args, '--production-method', 'fixed', '--host', '192.0.2.1'], {
      NODE_ENV: 'production',
    })
    expect([named.code, named.output]).toEqual([1, expect.stringContaining('EADDRNOTAVAIL')])
  })

  describe('looks after the keys of a directory that a server is using:', () => {
    const keys = () => join(directory, 'keys')
    const lines = (output: string) =>
      output
        .trim()
        .split('\n')
        .map((line): Record<string, unknown> => JSON.parse(line))
    const desk = async (...args: string[]) => await run([...args.slice(0, 1), '--data', keys(), '--', ...args.slice(1)])

    it('rotate, list, deactivate and shred, without ever printing a key', async () => {
      const server = await start()
      const first = await ask(server.url, 'doc-1')
      const [rotated] = lines((await desk('rotate', 'doc-1')).output)
      const second = await ask(server.url, 'doc-1')
      expect(rotated).toMatchObject({ keyHint: second.keyHint, state: 'active' })
      expect(await ask(server.url, 'doc-1', first.keyHint)).toEqual({ ...first, active: false })

      expect(lines((await desk('shred', 'doc-1', first.keyHint)).output)).toMatchObject([{ state: 'shredded' }])
      await expect(ask(server.url, 'doc-1', first.keyHint)).rejects.toMatchObject({ code: 'key-unknown' })
      expect(await desk('shred', 'doc-1', second.keyHint)).toMatchObject({
        code: 1,
        output: expect.stringContaining('rotate or deactivate it first'),
      })

      expect(lines((await desk('deactivate', 'doc-1')).output)).toMatchObject([
        { keyHint: second.keyHint, state: 'inactive' },
      ])
      const third = await ask(server.url, 'doc-1', null, second.keyHint)
      await ask(server.url, 'doc-2')
      const listed = await desk('list')
      expect(lines(listed.output)).toMatchObject([
        { documentId: 'doc-1', keyHint: first.keyHint, state: 'shredded' },
        { documentId: 'doc-1', keyHint: second.keyHint, state: 'inactive' },
        { documentId: 'doc-1', keyHint: third.keyHint, state: 'active' },
        { documentId: 'doc-2', state: 'active' },
      ])
      expect(lines((await desk('list', 'doc-2')).output)).toHaveLength(1)
      const search = new CanarySearch([first, second, third].map(({ key }) => key))
      expect(search.in(listed.output, 'the list')).toEqual([])

      expect(lines((await run(['deactivate', '--all', '--data', keys()])).output)).toEqual([{ deactivated: 2 }])
      expect((await ask(server.url, 'doc-1', third.keyHint)).active).toBe(false)
    })

    it('a directory that is mistyped is not made, and a document that is mistyped gets no key', async () => {
      await start()
      const absent = await run(['list', '--data', join(directory, 'absent')])
      expect([absent.code, absent.output]).toEqual([1, expect.stringContaining('there are no keys in')])
      expect(existsSync(join(directory, 'absent'))).toBe(false)
      const mistyped = [
        ['rotate', 'doc'],
        ['deactivate', 'doc'],
        ['deactivate', 'doc', 'hint'],
        ['shred', 'doc', 'h'],
      ]
      await eightAtOnce(mistyped, async (args) => {
        expect(await desk(...args)).toMatchObject({ code: 1, output: expect.stringContaining('there is no such key') })
      })
      expect((await desk('list')).output).toBe('')
    })
  })
})
