import { execFile, execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createKeyServer } from '@y-sealed/key-endpoint'
import { createRelay } from '@y-sealed/relay'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchBrowser, skipBrowserTests } from '../browser/browser.ts'
import { projectRoot } from '../support/project-root.ts'
import { BUNDLERS } from './bundlers.ts'
import { entriesOf, PUBLISHED, packAll } from './packed.ts'
import { serveFolder } from './serve-folder.ts'
import { STARTERS } from './starters.ts'

// Below the project, so that what others publish is found in its node_modules, and ours only here.
const installed = join(projectRoot(), 'test/packages/.installed')
const READ = 'sealed on the way'

// What the starters say, and `npm start` listens to.
const RELAY_URL = 'ws://127.0.0.1:8787'
const KEYS_URL = 'http://127.0.0.1:8788/keys'

let keyServer: Awaited<ReturnType<typeof createKeyServer>>
let relay: Awaited<ReturnType<typeof createRelay>>
beforeAll(async () => {
  rmSync(installed, { recursive: true, force: true })
  mkdirSync(installed, { recursive: true })
  writeFileSync(join(installed, 'package.json'), '{"type":"module"}')
  packAll(installed)
  cpSync(join(projectRoot(), 'test/packages/consumer'), installed, { recursive: true })
  relay = await createRelay({ data: 'memory', port: 0 })
  keyServer = await createKeyServer({ data: 'memory', port: 0 })
})
afterAll(async () => {
  await Promise.all([relay.close(), keyServer.close()])
  rmSync(installed, { recursive: true, force: true })
})

describe('the packages as they are published', () => {
  it('run in Node', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(installed, 'node.js'), relay.url])
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

  describe.skipIf(skipBrowserTests)('in a browser', () => {
    let browser: Browser
    beforeAll(async () => {
      browser = await launchBrowser()
    })
    afterAll(() => browser.close())

    it.each(Object.keys(BUNDLERS))('run on a page and in a worker, bundled by %s', async (name) => {
      const bundled = join(installed, name)
      await BUNDLERS[name]?.(installed, bundled)
      writeFileSync(join(bundled, 'index.html'), '<!doctype html><script type="module" src="page.js"></script>')
      const site = await serveFolder(bundled)
      try {
        const page = await browser.newPage()
        const failed = new Promise<never>((_, reject) => page.on('pageerror', reject))
        await page.goto(`${site.url}?${new URLSearchParams({ relay: relay.url, room: name })}`)
        await Promise.race([failed, page.waitForFunction(() => document.title !== '')])
        expect(await page.title()).toBe(`page: ${READ}; worker: ${READ}`)
      } finally {
        site.close()
      }
    })

    it.each(Object.entries(STARTERS))('the starter %s builds, and two people write in it', async (name, starter) => {
      const folder = join(installed, name)
      cpSync(join(projectRoot(), 'demo-editor/starters', name), folder, { recursive: true })
      const main = join(folder, 'main.js')
      const addresses = readFileSync(main, 'utf8')
      writeFileSync(main, addresses.replace(RELAY_URL, relay.url).replace(KEYS_URL, keyServer.url))
      const site = await serveFolder(await starter.build(folder))
      try {
        // Two people have two browsers: nothing may go from tab to tab.
        const [ada, bob] = await Promise.all([browser.newContext(), browser.newContext()])
        const [adasPage, bobsPage] = [await ada.newPage(), await bob.newPage()]
        await Promise.all([adasPage.goto(site.url), bobsPage.goto(site.url)])
        await starter.write(adasPage, READ)
        await bobsPage.getByText(READ).waitFor()
        await adasPage.getByText('stored, sealed').waitFor()
        await Promise.all([ada.close(), bob.close()])
      } finally {
        site.close()
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
