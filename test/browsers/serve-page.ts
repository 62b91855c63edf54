import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { createKeyServer } from '@y-sealed/key-endpoint'
import { createRelay } from '@y-sealed/relay'
import { build, type Rollup } from 'vite'
import { projectRoot } from '../support/project-root.ts'
import { sharedData } from '../support/shared-data.ts'
import type { Outcome } from './page/vitest.ts'

export type BrowserOutcome = Outcome & { userAgent: string }

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' }

/** The page with the tests, the servers that they need, and what browsers say that have run it. */
export async function servePage() {
  const [files, relay, keyServer] = await Promise.all([
    bundle(),
    createRelay({ data: 'memory', port: 0 }),
    createKeyServer({ data: 'memory', port: 0 }),
  ])
  let tell: (outcome: BrowserOutcome) => void = () => {}
  const read = (path: string): string | Uint8Array | undefined => {
    if (path === '/servers') return JSON.stringify({ relayUrl: relay.url, keysUrl: keyServer.url })
    const shared = path.startsWith('/shared/') ? sharedData(path.slice('/shared/'.length)) : undefined
    return shared === undefined ? files.get(path === '/' ? 'index.html' : path.slice(1)) : readFileSync(shared)
  }
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://127.0.0.1').pathname)
    if (path === '/outcome') {
      let body = ''
      request.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk
      })
      request.on('end', () => {
        response.end()
        // Our own page says it.
        tell(JSON.parse(body) as BrowserOutcome)
      })
      return
    }
    const found = read(path)
    if (found === undefined) response.writeHead(404).end()
    else response.writeHead(200, { 'content-type': TYPES[extname(path) || '.html'] ?? 'text/plain' }).end(found)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A TCP server's address is an object.
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    /** Of the next browser that has run the page. */
    outcome: () =>
      new Promise<BrowserOutcome>((resolve) => {
        tell = resolve
      }),
    async close() {
      server.closeAllConnections()
      await Promise.all([new Promise((resolve) => server.close(resolve)), relay.close(), keyServer.close()])
    },
  }
}

/** The tests as they are; vitest and what is Node's are answered by modules of the page. */
async function bundle(): Promise<Map<string, string | Uint8Array>> {
  const page = join(projectRoot(), 'test/browsers/page')
  const ofVitest = createRequire(createRequire(import.meta.url).resolve('vitest/package.json'))
  const nodeModules = join(page, 'node-modules.ts')
  const built = await build({
    root: page,
    configFile: false,
    logLevel: 'error',
    define: { 'process.env': '{}' },
    resolve: {
      conditions: ['@y-sealed/source', 'module', 'browser'],
      dedupe: ['yjs'],
      alias: [
        { find: /^vitest$/, replacement: join(page, 'vitest.ts') },
        { find: /^@vitest\/expect$/, replacement: ofVitest.resolve('@vitest/expect') },
        { find: /^node:(fs|crypto)$/, replacement: nodeModules },
        { find: /^.*\/(shared-data|engine\/node)\.ts$/, replacement: nodeModules },
      ],
    },
    build: { write: false, target: 'es2022', modulePreload: { polyfill: false }, minify: false },
  })
  const { output } = built as Rollup.RollupOutput // one output, nothing is watched
  return new Map(output.map((file) => [file.fileName, file.type === 'chunk' ? file.code : file.source]))
}
