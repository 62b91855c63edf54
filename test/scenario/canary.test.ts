import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type KeySource, keyEndpoint, SealedProvider } from 'y-sealed'
import * as Y from 'yjs'
import { CanarySearch } from '../support/canary.ts'
import { Capture } from '../support/capture.ts'
import { patiently, untilChanged, untilTrue } from '../support/events.ts'
import { startKeyProcess } from '../support/key-process.ts'
import { startRelayProcess } from '../support/relay-process.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { Wire } from '../support/wire.ts'
import { fields } from './fields.ts'

const SECRETS = {
  text: 'the quarterly numbers are bad',
  astral: 'résumé of 🐤🐤🐤 und Größe',
  mapKey: 'salary-of-the-director',
  mapValue: 'two hundred thousand a year',
  arrayItem: 'a row that nobody may see',
  attribute: 'https://intranet.example/plan',
  deleted: 'a sentence that was taken back',
  userName: 'Nightingale, Florence (Ward 7)',
} as const

let wire: Wire
let search: CanarySearch

beforeEach(() => {
  wire = new Wire(new Capture())
  search = new CanarySearch(Object.values(SECRETS))
})

function write(doc: Y.Doc): void {
  doc.getText('text').insert(0, `${SECRETS.text}. ${SECRETS.astral}. ${SECRETS.deleted}`)
  doc.getMap('map').set(SECRETS.mapKey, { deep: SECRETS.mapValue })
  doc.getArray('array').push([SECRETS.arrayItem])
  const paragraph = new Y.XmlElement('a')
  paragraph.setAttribute('href', SECRETS.attribute)
  doc.getXmlFragment('xml').insert(0, [paragraph])
  const text = doc.getText('text')
  text.delete(text.toString().indexOf(SECRETS.deleted), SECRETS.deleted.length)
}

/** The same as one types: a key at a time. */
function type(doc: Y.Doc): void {
  const text = doc.getText('typed')
  for (const character of SECRETS.text) text.insert(text.length, character)
}

describe('a relay process and a key endpoint process with everything they keep and print', () => {
  let directory: string
  let relay: ServerProcess
  let keyServer: ServerProcess
  let keys: KeySource
  const providers: SealedProvider[] = []

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'y-sealed-canary-'))
    relay = await startRelayProcess(join(directory, 'relay'))
    keyServer = await startKeyProcess(join(directory, 'keys'))
    const ask = keyEndpoint(keyServer.url)
    keys = async (request, options) => {
      const answer = await ask(request, options)
      search.add((answer as { key: string }).key)
      return answer
    }
  })

  afterEach(async () => {
    for (const provider of providers.splice(0)) provider.destroy()
    await Promise.all([relay.stop(), keyServer.stop()])
    rmSync(directory, { recursive: true, force: true })
  })

  test('text, map keys and values, deleted words, names of people and the key are in none of it', async () => {
    const options = { keys, WebSocketPolyfill: wire.WebSocket }
    const [alice, bob] = ['Alice', 'Bob'].map(() => {
      const doc = new Y.Doc()
      const provider = new SealedProvider(relay.url, 'secret room', doc, options)
      providers.push(provider)
      return { doc, provider }
    }) as [{ doc: Y.Doc; provider: SealedProvider }, { doc: Y.Doc; provider: SealedProvider }]
    await patiently(Promise.all([alice.provider.whenSynced, bob.provider.whenSynced]), 'both to be synced')
    alice.provider.awareness.setLocalStateField('user', { name: SECRETS.userName })
    write(alice.doc)
    type(alice.doc)
    await alice.provider.flush()
    await untilChanged(bob.doc, () => bob.doc.getText('typed').toString() === SECRETS.text)
    await untilTrue(bob.provider.awareness, 'change', () => bob.provider.awareness.getStates().has(alice.doc.clientID))
    // While the relay is alive its log is also in SQLite's write-ahead file.
    const alive = search.inDirectory(join(directory, 'relay'))
    alice.provider.disconnect()
    alice.provider.connect()
    await untilTrue(alice.provider, 'sync', () => alice.provider.synced)
    for (const provider of providers.splice(0)) provider.destroy()
    await Promise.all([relay.stop(), keyServer.stop()])

    expect(search.canaries.length).toBeGreaterThan(Object.keys(SECRETS).length)
    expect(alive).toEqual([])
    expect(search.inFrames(wire.capture.frames)).toEqual([])
    expect(search.inDirectory(join(directory, 'relay'))).toEqual([])
    expect(search.in(relay.output, 'what the relay printed')).toEqual([])
    expect(search.in(keyServer.output, 'what the key endpoint printed')).toEqual([])
    // The endpoint keeps the key, sealed; it never hears of what is written.
    expect(search.inDirectory(join(directory, 'keys'))).toEqual([])
  })

  test('the room name is in no log line either', async () => {
    const provider = new SealedProvider(relay.url, 'a telling room name', new Y.Doc(), {
      keys,
      WebSocketPolyfill: wire.WebSocket,
      documentId: 'a telling document id',
    })
    providers.push(provider)
    await patiently(provider.whenSynced, 'the room to be open')
    provider.destroy()
    await Promise.all([relay.stop(), keyServer.stop()])
    const names = new CanarySearch(['a telling room name', 'a telling document id'])
    expect(names.in(relay.output, 'what the relay printed')).toEqual([])
    expect(names.in(keyServer.output, 'what the key endpoint printed')).toEqual([])
  })
})

test('control: the same search finds every one of them in the traffic of a provider that does not seal', async () => {
  const field = await fields[0].open()
  const doc = new Y.Doc()
  const provider = new field.Provider(field.url, 'not secret', doc, {
    WebSocketPolyfill: wire.WebSocket,
    disableBc: true,
  })
  await untilTrue(provider as never, 'sync', () => provider.synced)
  provider.awareness.setLocalStateField('user', { name: SECRETS.userName })
  write(doc)
  type(doc)
  const late = new field.Provider(field.url, 'not secret', new Y.Doc(), {
    WebSocketPolyfill: wire.WebSocket,
    disableBc: true,
  })
  await untilTrue(late as never, 'sync', () => late.synced)
  provider.destroy()
  late.destroy()
  await field.close()
  const found = new Set(search.inFrames(wire.capture.frames).map(({ canary }) => canary))
  expect([...found].sort()).toEqual(Object.values(SECRETS).sort())
})
