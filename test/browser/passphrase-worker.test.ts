import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { build, type Rollup } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { passphrase } from 'y-sealed'
import { projectRoot } from '../support/project-root.ts'
import { launchBrowser, skipBrowserTests } from './browser.ts'

const HINT = '$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw'
/** No server: the page is served from memory. A context that is secure, as WebCrypto wants it. */
const ORIGIN = 'https://app.example'

let browser: Browser
let files: Map<string, string>

beforeAll(async () => {
  if (skipBrowserTests) return
  files = await bundle()
  browser = await launchBrowser()
}, 60_000)

afterAll(() => browser?.close())

describe.skipIf(skipBrowserTests)('passphrase, from the build, bundled, in a real browser', () => {
  test.each([
    ['in a worker', '', 1],
    ['on the page, where a policy forbids workers', "worker-src 'none'", 0],
  ])('derives what Node derives: %s', async (_where, policy, workers) => {
    const page = await browser.newPage()
    let started = 0
    page.on('worker', () => started++)
    await page.route(`${ORIGIN}/**`, (route) => {
      const path = new URL(route.request().url()).pathname.slice(1)
      const body = path === '' ? '<!doctype html><script type="module" src="/page.js"></script>' : files.get(path)
      const contentType = path === '' ? 'text/html' : 'text/javascript'
      return body === undefined
        ? route.fulfill({ status: 404 })
        : route.fulfill({ body, contentType, headers: policy === '' ? {} : { 'content-security-policy': policy } })
    })
    await page.goto(ORIGIN)
    const answer = await page.evaluate(
      (hint) => (Reflect.get(globalThis, 'derive') as (hint: string) => Promise<unknown>)(hint),
      HINT,
    )
    expect(answer).toEqual(await passphrase('correct horse')({ documentId: 'doc-1', keyHint: HINT }))
    expect(started).toBe(workers)
    await page.close()
  })
})

/** As an app's bundler makes it: the worker is a file of its own. */
async function bundle(): Promise<Map<string, string>> {
  const entry = '\0page'
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    root: join(projectRoot(), 'test'),
    plugins: [
      {
        name: 'page',
        resolveId: (id) => (id === 'page' ? entry : undefined),
        load: (id) =>
          id === entry
            ? `import { passphrase } from 'y-sealed'
               globalThis.derive = (keyHint) => passphrase('correct horse')({ documentId: 'doc-1', keyHint })`
            : undefined,
      },
    ],
    worker: { format: 'es' },
    build: { write: false, minify: false, rolldownOptions: { input: 'page', output: { entryFileNames: 'page.js' } } },
  })
  // One input, not watched: one output.
  const { output } = (Array.isArray(built) ? built[0] : built) as Rollup.RollupOutput
  return new Map(
    output.map((file) => [file.fileName, file.type === 'chunk' ? file.code : Buffer.from(file.source).toString()]),
  )
}
