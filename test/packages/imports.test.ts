import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createRelay } from '@y-sealed/relay'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchBrowser, skipBrowserTests } from '../browser/browser.ts'
import { projectRoot } from '../support/project-root.ts'
import { BUNDLERS } from './bundlers.ts'
import { filesIn } from './files-in.ts'
import { entriesOf, PUBLISHED, packAll } from './packed.ts'

// Below the project, so that what others publish is found in its node_modules, and ours only here.
const installed = join(projectRoot(), 'test/packages/.installed')
const READ = 'sealed on the way'

let relay: Awaited<ReturnType<typeof createRelay>>
beforeAll(async () => {
  rmSync(installed, { recursive: true, force: true })
  mkdirSync(installed, { recursive: true })
  writeFileSync(join(installed, 'package.json'), '{"type":"module"}')
  packAll(installed)
  cpSync(join(projectRoot(), 'test/packages/consumer'), installed, { recursive: true })
  relay = await createRelay({ data: 'memory', port: 0 })
})
afterAll(async () => {
  await relay.close()
  rmSync(installed, { recursive: true, force: true })
})

describe('the packages as they are published', () => {
  it('run in Node', async () => {
    const run = promisify((await import('node:child_process')).execFile)
    const { stdout } = await run(process.execPath, [join(installed, 'node.js'), relay.url])
    expect(stdout.trim()).toBe(READ)
  })

  it('have types that a strict app accepts, with both kinds of module resolution', () => {
    const entries = PUBLISHED.flatMap(entriesOf)
    expect(entries).toContain('y-sealed/react')
    const source = entries.map((entry, index) => `export * as entry${index} from '${entry}'`).join('\n')
    writeFileSync(join(installed, 'every-entry.ts'), `${source}\n`)
    for (const resolution of [
      ['--module', 'nodenext'],
      ['--module', 'esnext', '--moduleResolution', 'bundler'],
    ]) {
      const options = [
        '--ignoreConfig',
        '--noEmit',
        '--strict',
        '--exactOptionalPropertyTypes',
        '--target',
        'es2022',
        '--types',
        'node',
      ]
      const tsc = join(projectRoot(), 'node_modules/.bin/tsc')
      const args = [...options, '--skipLibCheck', 'false', ...resolution, 'every-entry.ts']
      const { stdout } = runs(tsc, args)
      expect(stdout).toBe('')
    }
  })

  describe.skipIf(skipBrowserTests)('on a page and in a worker, bundled by', () => {
    it.each(Object.keys(BUNDLERS))('%s', async (name) => {
      const bundled = join(installed, name)
      await BUNDLERS[name]?.(installed, bundled)
      writeFileSync(join(bundled, 'index.html'), '<!doctype html><script type="module" src="page.js"></script>')
      const { server, url } = await serve(bundled)
      const browser = await launchBrowser()
      try {
        const page = await browser.newPage()
        const failed = new Promise<never>((_, reject) => page.on('pageerror', reject))
        await page.goto(`${url}?${new URLSearchParams({ relay: relay.url, room: name })}`)
        await Promise.race([failed, page.waitForFunction(() => document.title !== '')])
        expect(await page.title()).toBe(`page: ${READ}; worker: ${READ}`)
      } finally {
        await browser.close()
        server.closeAllConnections()
        server.close()
      }
    })
  })
})

/** What a command printed, whether it succeeded or not. */
function runs(command: string, args: string[]): { stdout: string } {
  try {
    return { stdout: execFileSync(command, args, { cwd: installed, encoding: 'utf8' }) }
  } catch (error) {
    return { stdout: String((error as { stdout?: unknown }).stdout) }
  }
}

async function serve(folder: string): Promise<{ server: Server; url: string }> {
  const files = filesIn(folder)
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://127.0.0.1')
    const file = pathname === '/' ? 'index.html' : pathname.slice(1)
    if (!files.includes(file)) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': file.endsWith('.js') ? 'text/javascript' : 'text/html' })
    response.end(readFileSync(join(folder, file)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A TCP server's address is an object.
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}
