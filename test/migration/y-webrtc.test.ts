import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKeyServer } from '@y-sealed/key-endpoint'
import { createRelay } from '@y-sealed/relay'
import { build } from 'esbuild'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { keyEndpoint, SealedProvider } from 'y-sealed'
import * as Y from 'yjs'
import { freePort } from '../bin/free-port.mjs'
import { launchProfile, skipBrowserTests } from '../browser/browser.ts'
import { serveFolder } from '../packages/serve-folder.ts'
import { codeBlocks } from '../readme/code-blocks.ts'
import { untilText } from '../support/events.ts'
import { projectRoot } from '../support/project-root.ts'

/** What both apps of the guide call their document; the test lets the page keep it. */
interface AppPage {
  ydoc: Y.Doc
}

const GUIDE = readFileSync(join(projectRoot(), 'docs/migration/from-y-webrtc.md'), 'utf8')
const [APP_BEFORE = '', APP_AFTER = ''] = ['The app as it was', 'The app as it is'].map(
  (title) => codeBlocks(GUIDE).find((block) => block.title === title)?.code ?? '',
)

describe.skipIf(skipBrowserTests)('docs/migration/from-y-webrtc.md, in Chromium', () => {
  let folder: string
  let relay: Awaited<ReturnType<typeof createRelay>>
  let keyServer: Awaited<ReturnType<typeof createKeyServer>>
  let signaling: ChildProcess
  let site: Awaited<ReturnType<typeof serveFolder>>
  let browser: BrowserContext

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'y-sealed-webrtc-'))
    relay = await createRelay({ data: 'memory', port: 0 })
    keyServer = await createKeyServer({ data: 'memory', port: 0 })
    const port = await freePort(24_444, '127.0.0.1')
    // y-webrtc's own server, which brings its users together.
    signaling = spawn(process.execPath, [join(projectRoot(), 'node_modules/y-webrtc/bin/server.js')], {
      env: { ...process.env, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    if (signaling.stdout) await once(signaling.stdout, 'data')
    const addresses = {
      'ws://127.0.0.1:4444': `ws://127.0.0.1:${port}`,
      'ws://127.0.0.1:8787': relay.url,
      'http://127.0.0.1:8788/keys': keyServer.url,
    }
    await bundle(APP_BEFORE, join(folder, 'before'), addresses)
    await bundle(APP_AFTER, join(folder, 'after'), addresses)
    site = await serveFolder(folder)
    browser = await launchProfile(join(folder, 'profile'))
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    site?.close()
    signaling?.kill('SIGKILL')
    await Promise.all([relay?.close(), keyServer?.close()])
    rmSync(folder, { recursive: true, force: true })
  })
  afterEach(async () => {
    for (const page of browser.pages()) if (page.url() !== 'about:blank') await page.close()
  })

  it('what two people wrote in the old app is there in the new one, sealed, and no longer on the disk in the clear', async () => {
    const [ada, bob] = [await open('before'), await open('before')]
    await type(ada, 'written before')
    await bob.waitForFunction(
      () => (globalThis as unknown as AppPage).ydoc.getText('text').toString() === 'written before',
    )
    expect(await databases(ada)).toEqual(['doc-1'])
    await Promise.all([ada.close(), bob.close()])

    const member = new SealedProvider(relay.url, 'doc-1', new Y.Doc(), {
      keys: keyEndpoint(keyServer.url),
      WebSocketPolyfill: WebSocket,
    })
    const later = await open('after')
    await untilText(member.doc, 'written before')
    await later.waitForFunction(async () => !(await indexedDB.databases()).some(({ name }) => name === 'doc-1'))
    await type(later, 'SEALED ')
    await untilText(member.doc, 'SEALED written before')
    member.destroy()
  })

  async function open(app: string): Promise<Page> {
    const page = await browser.newPage()
    await page.goto(`${site.url}${app}.html`)
    await page.waitForFunction(() => (globalThis as unknown as Partial<AppPage>).ydoc !== undefined)
    return page
  }
  const type = (page: Page, text: string) =>
    page.evaluate((words) => (globalThis as unknown as AppPage).ydoc.getText('text').insert(0, words), text)
  const databases = (page: Page) => page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))
})

/** Makes a page of a block, at addresses that are this test's. */
async function bundle(code: string, file: string, addresses: Readonly<Record<string, string>>): Promise<void> {
  const ours = Object.entries(addresses).reduce((text, [theirs, address]) => text.replaceAll(theirs, address), code)
  await build({
    stdin: { contents: `${ours}\nglobalThis.ydoc = ydoc`, resolveDir: join(projectRoot(), 'test'), loader: 'ts' },
    outfile: `${file}.js`,
    bundle: true,
    format: 'esm',
    define: { global: 'globalThis' },
    logLevel: 'error',
  })
  writeFileSync(`${file}.html`, `<!doctype html><script type="module" src="${file.split('/').at(-1)}.js"></script>`)
}
