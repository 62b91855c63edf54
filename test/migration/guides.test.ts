import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { HocuspocusProvider } from '@hocuspocus/provider'
import { Server } from '@hocuspocus/server'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { type CodeBlock, codeBlocks, startBlockRunner } from '../readme/code-blocks.ts'
import { untilText } from '../support/events.ts'
import { startPlainServer } from '../support/plain-server.ts'
import { projectRoot } from '../support/project-root.ts'
import { startWorld, type World } from '../support/world.ts'

/** A server that reads what it is given, and how its users speak to it. */
interface OldServer {
  readonly url: string
  close(): Promise<unknown>
  /** Somebody who has the old app open. */
  open(room: string): { readonly doc: Y.Doc; close(): void }
}

const OLD_SERVERS: Readonly<Record<string, () => Promise<OldServer>>> = {
  'from-y-websocket': async () => {
    const server = await startPlainServer()
    return {
      ...server,
      open(room) {
        const provider = new WebsocketProvider(server.url, room, new Y.Doc(), { disableBc: true })
        return { doc: provider.doc, close: () => provider.destroy() }
      },
    }
  },
  'from-hocuspocus': async () => {
    const server = new Server({ port: 0, address: '127.0.0.1', quiet: true, stopOnSignals: false })
    await server.listen()
    // A TCP server's address is an object.
    const url = `ws://127.0.0.1:${(server.httpServer.address() as AddressInfo).port}`
    return {
      url,
      close: () => server.destroy(),
      open(room) {
        const provider = new HocuspocusProvider({ url, name: room, document: new Y.Doc() })
        return { doc: provider.document, close: () => provider.destroy() }
      },
    }
  },
}

const runner = startBlockRunner()
// A block leaves its app open, as a page would; the test closes it.
const sockets: WebSocket[] = []
class TrackedWebSocket extends WebSocket {
  constructor(...args: ConstructorParameters<typeof WebSocket>) {
    super(...args)
    sockets.push(this)
  }
}
beforeAll(() => {
  vi.stubGlobal('WebSocket', TrackedWebSocket)
  vi.spyOn(console, 'log').mockImplementation(() => {})
})
afterAll(() => {
  runner.close()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

describe.each(Object.entries(OLD_SERVERS))('docs/migration/%s.md', (guide, start) => {
  const page = readFileSync(join(projectRoot(), `docs/migration/${guide}.md`), 'utf8')
  const blockBelow = (title: string): CodeBlock => {
    const block = codeBlocks(page).find((each) => each.title === title)
    if (block === undefined) throw new Error(`${guide}.md has no block below “${title}”`)
    return block
  }
  const before = blockBelow('The app as it was')
  const after = blockBelow('The app as it is')
  const move = blockBelow('The documents')

  let old: OldServer
  let world: World
  beforeEach(async () => {
    old = await start()
    world = await startWorld()
  })
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.terminate()
    await world.close()
    await old.close()
  })
  const run = (block: CodeBlock) =>
    runner.run(block, {
      'ws://127.0.0.1:1234': old.url,
      'ws://127.0.0.1:8787': world.relayUrl,
      'http://127.0.0.1:8788/keys': world.keysUrl,
    })

  it('moves what is there, takes over what the last old page typed, and gives the old server nothing back', async () => {
    const page = old.open('doc-1')
    page.doc.getText('text').insert(0, 'written before.')
    await run(before)
    await run(move)

    const ada = await world.joined('Ada', { room: 'doc-1' })
    expect(ada.text.toString()).toBe('written before.')
    ada.text.insert(0, 'SEALED ')
    await ada.provider.flush()

    page.doc.getText('text').insert(page.doc.getText('text').length, ' The last old page.')
    await run(move)
    await untilText(ada.doc, 'SEALED written before. The last old page.')
    await run(move)
    expect(ada.text.toString()).toBe('SEALED written before. The last old page.')

    const late = old.open('doc-1')
    await untilText(late.doc, 'written before. The last old page.')
    page.close()
    late.close()
  })

  it('ends in an app that opens the document', async () => {
    const ada = await world.joined('Ada', { room: 'doc-1' })
    ada.text.insert(0, 'there')
    await ada.provider.flush()
    await run(after)
  })
})
