import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createKeyServer } from '@y-sealed/key-endpoint'
import { createRelay } from '@y-sealed/relay'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import WebSocket from 'ws'
import { projectRoot } from '../support/project-root.ts'
import { codeBlocks } from './code-blocks.ts'
import { markdownPages } from './markdown-pages.ts'

// What a reader types is what runs here; only the addresses are those of this test's servers.
const RELAY_URL = 'ws://127.0.0.1:8787'
const KEYS_URL = 'http://127.0.0.1:8788/keys'

const root = projectRoot()
const workspaces = ['packages', 'server'].flatMap((folder) =>
  readdirSync(join(root, folder)).map((name) => `${folder}/${name}`),
)
const readmes = ['README.md', ...workspaces.map((name) => `${name}/README.md`)]
const pages = [...new Set([...readmes, ...markdownPages])]
// Inside the project, so that its packages resolve; nobody commits it.
const folder = join(root, 'test/readme/.blocks')

const sockets: WebSocket[] = []
class TrackedWebSocket extends WebSocket {
  constructor(...args: ConstructorParameters<typeof WebSocket>) {
    super(...args)
    sockets.push(this)
  }
}

let relay: Awaited<ReturnType<typeof createRelay>>
let keyServer: Awaited<ReturnType<typeof createKeyServer>>

beforeAll(async () => {
  mkdirSync(folder, { recursive: true })
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
  rmSync(folder, { recursive: true })
})

it('every published package has a README', () => {
  expect(readmes.filter((page) => !existsSync(join(root, page)))).toEqual([])
})

const pagesWithCode = pages.filter((page) => existsSync(join(root, page)) && codeBlocks(read(page)).length > 0)

describe.each(pagesWithCode)('the code in %s', (page) => {
  const blocks = codeBlocks(read(page)).map(
    ({ title, language, code }, i) => [i + 1, title, language === 'tsx' ? 'tsx' : 'ts', code] as const,
  )

  it.each(blocks)('block %d, “%s”, runs', async (i, _, suffix, code) => {
    // In kebab-case, as every file below `test`: another test looks at them meanwhile.
    const file = join(folder, `${page.toLowerCase().replaceAll('/', '-')}-${i}.${suffix}`)
    writeFileSync(file, code.replaceAll(RELAY_URL, relay.url).replaceAll(KEYS_URL, keyServer.url))
    await import(pathToFileURL(file).href)
  })
})

function read(page: string): string {
  return readFileSync(join(root, page), 'utf8')
}
