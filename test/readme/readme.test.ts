import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createKeyServer } from '@y-sealed/key-endpoint'
import { createRelay } from '@y-sealed/relay'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import WebSocket from 'ws'
// Browsers keep documents.
import 'fake-indexeddb/auto'
import { projectRoot } from '../support/project-root.ts'
import { codeBlocks, startBlockRunner } from './code-blocks.ts'
import { markdownPages } from './markdown-pages.ts'

// What a reader types is what runs here; only the addresses are those of this test's servers.
const RELAY_URL = 'ws://127.0.0.1:8787'
const KEYS_URL = 'http://127.0.0.1:8788/keys'

const root = projectRoot()
const workspaces = ['packages', 'server'].flatMap((folder) =>
  readdirSync(join(root, folder)).map((name) => `${folder}/${name}`),
)
const readmes = ['README.md', ...workspaces.map((name) => `${name}/README.md`)]
// The guides from other providers run in test/migration, beside the servers that they come from.
const pages = markdownPages.filter((page) => !page.startsWith('docs/migration/'))

const sockets: WebSocket[] = []
class TrackedWebSocket extends WebSocket {
  constructor(...args: ConstructorParameters<typeof WebSocket>) {
    super(...args)
    sockets.push(this)
  }
}

const runner = startBlockRunner()
let relay: Awaited<ReturnType<typeof createRelay>>
let keyServer: Awaited<ReturnType<typeof createKeyServer>>

beforeAll(async () => {
  relay = await createRelay({ data: 'memory', port: 0 })
  keyServer = await createKeyServer({ data: 'memory', port: 0 })
  // Browsers have one; Node 20 has none.
  vi.stubGlobal('WebSocket', TrackedWebSocket)
  vi.spyOn(console, 'log').mockImplementation(() => {})
})

afterAll(async () => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
  for (const socket of sockets) socket.terminate()
  await Promise.all([relay.close(), keyServer.close()])
  runner.close()
})

it('every published package has a README', () => {
  expect(readmes.filter((page) => !existsSync(join(root, page)))).toEqual([])
})

const pagesWithCode = pages.filter((page) => existsSync(join(root, page)) && codeBlocks(read(page)).length > 0)

describe.each(pagesWithCode)('the code in %s', (page) => {
  const blocks = codeBlocks(read(page))
    // The pages of editors need a browser: test/browser/editors.test.ts runs them.
    .filter(({ language }) => page !== 'docs/editors.md' || language === 'js')
    .map((block, i) => [i + 1, block.title, block] as const)

  it.each(blocks)('block %d, “%s”, runs', async (_, __, block) => {
    await runner.run(block, { [RELAY_URL]: relay.url, [KEYS_URL]: keyServer.url })
  })
})

function read(page: string): string {
  return readFileSync(join(root, page), 'utf8')
}
