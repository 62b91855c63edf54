import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { build } from 'esbuild'
import type { Page } from 'playwright-core'
import type { SealedIndexedDBOptions } from 'y-sealed/indexeddb'
import { projectRoot } from '../../support/project-root.ts'
import type { OfflinePage } from './page.ts'

export interface OfflineSite {
  readonly url: string
  /** What the key endpoint answers: 200 with a key, or this. */
  keyStatus: number
  close(): Promise<void>
}

const KEY = 'a-key-that-nobody-guesses-0123456789'

/** A page of an app, and its key endpoint, on one origin. */
export async function serveOfflineSite(): Promise<OfflineSite> {
  const bundle = await build({
    entryPoints: [`${projectRoot()}/test/browser/offline-page/page.ts`],
    bundle: true,
    format: 'esm',
    conditions: ['@y-sealed/source'],
    write: false,
  })
  const script = bundle.outputFiles[0]?.text ?? ''
  const site = { keyStatus: 200 }
  const server = createServer((request, response) => {
    if (request.url === '/page.js') response.setHeader('content-type', 'text/javascript').end(script)
    else if (request.url === '/keys') {
      response.writeHead(site.keyStatus, { 'content-type': 'application/json' })
      response.end(site.keyStatus === 200 ? JSON.stringify({ key: KEY, keyHint: 'k1' }) : '')
    } else response.setHeader('content-type', 'text/html').end('<script type="module" src="/page.js"></script>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return Object.assign(site, {
    url,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}

/** The document, opened in a page. */
export async function openOffline(page: Page, site: OfflineSite, relayUrl: string, options: SealedIndexedDBOptions) {
  await page.goto(site.url)
  await page.waitForFunction(() => 'openOffline' in globalThis)
  const handle = await page.evaluateHandle(
    ([url, chosen]) =>
      (Reflect.get(globalThis, 'openOffline') as (url: string, options: object) => OfflinePage)(url, chosen),
    [relayUrl, options] as const,
  )
  return {
    page,
    clientId: () => handle.evaluate((it) => it.clientId),
    problems: () => handle.evaluate((it) => it.problems),
    text: () => handle.evaluate((it) => it.text()),
    loaded: () => handle.evaluate((it) => it.loaded()),
    type: (text: string) => handle.evaluate((it, typed) => it.type(typed), text),
    stored: () => handle.evaluate((it) => it.stored()),
    flush: () => handle.evaluate((it) => it.flush()),
    unsyncedSince: () => handle.evaluate((it) => it.unsyncedSince()),
    wipe: () => handle.evaluate((it) => it.wipe()),
    plaintext: (name: string, text: string) =>
      handle.evaluate((it, [store, typed]) => it.plaintext(store, typed), [name, text] as const),
  }
}
