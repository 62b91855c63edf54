import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKeyRing, keyEndpoint } from '@y-sealed/key-client'
import { SignJWT } from 'jose'
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
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
}

async function ask(url: string, documentId: string, keyHint: string | null = null): Promise<Issued> {
  // The endpoint's answers are parsed strictly elsewhere; here only equality counts.
  return (await keyEndpoint(url)({ documentId, keyHint })) as Issued
}

describe('kill -9', () => {
  const DOCUMENTS = 1_000
  const KILLS = 6
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
    for (const [documentId, issued] of answered) {
      expect(await ask(server.url, documentId, issued.keyHint)).toEqual(issued)
      expect(await ask(server.url, documentId)).toEqual(issued)
    }
    const search = new CanarySearch([...answered.values()].flatMap(({ key, keyHint }) => [key, keyHint]))
    expect(search.in(server.output, 'what the server printed')).toEqual([])
  })
})

describe('y-sealed-keys', () => {
  it('serves a key ring, from a directory of its own, until it is told to end', async () => {
    const server = await start()
    const ring = createKeyRing({ source: keyEndpoint(server.url), documentId: 'doc-é' })
    expect(await ring.confirmNew()).toMatchObject({ epoch: 1, active: true })
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

  const run = (args: string[], env: Record<string, string> = {}) => {
    const clean = Object.entries(process.env).filter(([name]) => !/^(NODE_ENV|VITEST|Y_SEALED_)/.test(name))
    const result = spawnSync(process.execPath, [bin, ...args], {
      env: { ...Object.fromEntries(clean), ...env },
      cwd: directory,
      encoding: 'utf8',
    })
    return { code: result.status, output: result.stdout + result.stderr }
  }

  it('explains itself, with the environment variable of each flag', () => {
    const { code, output } = run(['--help'])
    expect(code).toBe(0)
    for (const flag of ['port', 'data', 'host', 'origins', 'token-secret-file']) {
      expect(output).toContain(`--${flag}`)
      // Help is broken into lines between words.
      expect(output.replace(/\s+/g, ' ')).toContain(`Y_SEALED_${flag.toUpperCase().replaceAll('-', '_')}`)
    }
  })

  it.each([
    ['in production without tokens', ['--data', 'memory'], { NODE_ENV: 'production' }, 'needs the option authorize'],
    ['on every address without tokens', ['--data', 'memory', '--host', '0.0.0.0'], {}, 'needs the option authorize'],
    ['the same, by environment', ['--data', 'memory'], { Y_SEALED_HOST: '0.0.0.0' }, 'needs the option authorize'],
    ['on a port that is none', [], { Y_SEALED_PORT: '65536' }, 'a port is a number from 0 to 65535'],
    ['with a flag it does not know', ['--prot', '1'], {}, "unknown option '--prot'"],
    ['with a secret that is not there', ['--data', 'memory', '--token-secret-file', 'absent'], {}, 'ENOENT'],
  ])('does not start %s, says so in a sentence, and exits with 1', (_what, args, env, sentence) => {
    const { code, output } = run(args, env)
    expect(code).toBe(1)
    expect(output).toContain(sentence)
    expect(output).not.toContain('    at ')
  })

  it('does not start with a secret that is too short, and does not print it', () => {
    writeFileSync(join(directory, 'short'), 'hunter2-hunter2\n')
    const { code, output } = run(['--data', 'memory', '--token-secret-file', 'short'])
    expect(code).toBe(1)
    expect(output).toContain('at least 32 bytes')
    expect(output).not.toContain('hunter2')
  })
})
