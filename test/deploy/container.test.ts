import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { ownPort } from '../bin/own-port.mjs'
import { packTarballs } from '../packages/packed.ts'
import { projectRoot } from '../support/project-root.ts'

const containerfile = readFileSync(join(projectRoot(), 'server/relay/deploy/Containerfile'), 'utf8')

/** The words of an instruction that has them as a list in JSON. */
function words(instruction: RegExp): string[] {
  const [, list = ''] = instruction.exec(containerfile) ?? []
  const parsed: unknown = JSON.parse(list)
  if (!Array.isArray(parsed)) throw new Error('no list')
  return parsed.map(String)
}

it('what the container file installs, starts and asks, works in an empty folder: packed, without what only developers need', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'y-sealed-container-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  expect(containerfile).toContain('RUN npm install --omit=dev @y-sealed/relay\n')
  const tarballs = packTarballs(folder)
  const ours = ['@y-sealed/protocol', '@y-sealed/relay'].map((name) => tarballs.get(name) ?? name)
  const app = join(folder, 'app')
  const home = { HOME: folder, PATH: process.env.PATH }
  execFileSync('mkdir', [app])
  // From npm's cache, which the project's own installation has filled.
  execFileSync('npm', ['install', '--omit=dev', '--prefer-offline', '--no-audit', '--no-fund', ...ours], {
    cwd: app,
    stdio: 'pipe',
  })
  for (const absent of ['vitest', 'typescript', '@types/ws', 'yjs'])
    expect(existsSync(join(app, 'node_modules', absent))).toBe(false)

  const secret = join(folder, 'secret')
  writeFileSync(secret, 'what the issuer and the relay know, and nobody else')
  const port = await ownPort()
  const shipped = Object.fromEntries(
    [...containerfile.matchAll(/^ENV (\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
  )
  expect(Object.keys(shipped).sort()).toEqual([
    'NODE_ENV',
    'NODE_OPTIONS',
    'Y_SEALED_DATA',
    'Y_SEALED_HOST',
    'Y_SEALED_PORT',
  ])
  const env = {
    ...{ ...home, ...shipped },
    // Of this machine, and not of a container's own.
    ...{ Y_SEALED_DATA: join(folder, 'data'), Y_SEALED_HOST: '127.0.0.1', Y_SEALED_PORT: String(port) },
    Y_SEALED_TOKEN_SECRET_FILE: secret,
  }
  const [health = '', ...healthArgs] = words(/^HEALTHCHECK .* CMD (.*)$/m)
  const isHealthy = () => spawnSync(health, healthArgs, { cwd: app, env }).status
  expect(isHealthy()).toBe(1)

  const [command = '', ...args] = words(/^CMD (.*)$/m)
  const child = spawn(command, args, { cwd: app, env, stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  await new Promise<void>((resolve, reject) => {
    const note = (chunk: Buffer) => {
      output += chunk.toString()
      if (output.includes('listening on')) resolve()
    }
    child.stdout.on('data', note)
    child.stderr.on('data', note)
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${output}`)))
  })
  expect(isHealthy()).toBe(0)
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
}, 120_000)
