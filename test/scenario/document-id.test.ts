import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog, createRelay, type Relay } from '@y-sealed/relay'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type KeySource, SealedProvider, type SealedProviderOptions } from 'y-sealed'
import { observe } from 'y-sealed/observe'
import * as Y from 'yjs'
import { CanarySearch, describeFindings, type Finding } from '../support/canary.ts'
import { Capture } from '../support/capture.ts'
import { patiently, until, untilText, untilTrue } from '../support/events.ts'
import { startUpgradeTap, type UpgradeTap } from '../support/upgrade-tap.ts'
import { Wire } from '../support/wire.ts'

const DOCUMENT_ID = 'Ward 7 / Nightingale, Florence: discharge letter'
const ADMIN = 'the operator, and nobody else, has this token'
const HINTS = ['hint of the first key, for Ward 7', 'hint of the second key, for Ward 7'] as const

/** An endpoint as a function: two keys, one after the other, under telling hints. */
function keysWithTellingHints(): KeySource {
  const keys = HINTS.map((keyHint) => ({ keyHint, key: randomBytes(32).toString('base64url') }))
  let current = 0
  return async ({ keyHint, after }) => {
    if (keyHint === null && after !== undefined) current = 1
    return keyHint === null ? keys[current] : keys.find((each) => each.keyHint === keyHint)
  }
}

describe('a document whose room is random', () => {
  const room = randomBytes(16).toString('hex')
  let directory: string
  let relay: Relay
  let tap: UpgradeTap
  let wire: Wire
  const logLines: string[] = []
  const providers: SealedProvider[] = []

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'y-sealed-document-id-'))
    const log = createLog('info', { write: (line) => void logLines.push(line) })
    relay = await createRelay({ data: directory, port: 0, log, retention: 'all', admin: { token: ADMIN } })
    tap = await startUpgradeTap(relay.url)
    wire = new Wire(new Capture())
    logLines.length = 0
  })

  afterEach(async () => {
    for (const provider of providers.splice(0)) provider.destroy()
    tap.close()
    await relay.close()
    rmSync(directory, { recursive: true, force: true })
  })

  async function joined(name: string, options: Partial<SealedProviderOptions> & { keys: KeySource }) {
    const doc = new Y.Doc()
    const provider = new SealedProvider(tap.url, name, doc, { WebSocketPolyfill: wire.WebSocket, ...options })
    providers.push(provider)
    await patiently(provider.whenSynced, 'somebody to be synced')
    return { doc, text: doc.getText('text'), provider }
  }

  /** All that a relay is asked for in a document's life: writing, carets, a checkpoint, a rotation, coming back, looking back. */
  async function liveThrough(name: string, options: Partial<SealedProviderOptions> & { keys: KeySource }) {
    const ada = await joined(name, options)
    const bob = await joined(name, options)
    ada.text.insert(0, 'one ')
    await ada.provider.flush()
    ada.provider.awareness.setLocalStateField('user', { name: 'Ada' })
    await untilTrue(bob.provider.awareness, 'change', () => bob.provider.awareness.getStates().has(ada.doc.clientID))
    await ada.provider.compact()
    await ada.provider.rotateKey()
    ada.provider.disconnect()
    ada.text.insert(4, 'two')
    ada.provider.connect()
    await untilTrue(ada.provider, 'sync', () => ada.provider.synced)
    await ada.provider.flush()
    await untilText(bob.doc, 'one two')
    const past = await bob.provider.openEpoch(0)
    expect(past.getText('text').toString()).toBe('one ')
    past.destroy()
  }

  /** What the relay answers over HTTP: to anybody, and to its operator about this room. */
  async function answers(name: string, acts: readonly string[]): Promise<string> {
    const http = relay.url.replace('ws:', 'http:')
    const headers = { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' }
    const paths = ['/healthz', '/readyz', '/metrics', '/', `/${name}`]
    const texts = await Promise.all(paths.map(async (path) => await (await fetch(http + path, { headers })).text()))
    for (const act of acts) {
      const body = JSON.stringify({ room: name })
      const response = await fetch(`${http}/admin/${act}`, { method: 'POST', headers, body })
      expect(response.status).toBe(200)
      texts.push(await response.text())
    }
    return texts.join('\n')
  }

  async function recordsOf(name: string): Promise<Uint8Array[]> {
    const records: Uint8Array[] = []
    const observer = observe(relay.url, name, { WebSocketPolyfill: new Wire().WebSocket })
    observer.on('record', (record) => void records.push(record))
    await until(observer, 'caught-up')
    observer.close()
    return records
  }

  /** Everywhere at the relay; `hide`: bytes that are overwritten before the search; `acts`: what its operator asks. */
  async function searchRelay(
    search: CanarySearch,
    name: string,
    { hide = [], acts = ['sessions', 'usage', 'epochs'] }: { hide?: readonly Uint8Array[]; acts?: string[] } = {},
  ): Promise<Finding[]> {
    const frames = wire.capture.frames.map(({ direction, bytes }) => ({ direction, bytes: without(bytes, hide) }))
    const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    // While the relay is alive its newest pages are in the write-ahead file.
    expect(files.some((file) => file.endsWith('-wal'))).toBe(true)
    return [
      ...search.inFrames(frames),
      ...files.flatMap((file) => search.in(without(readFileSync(join(directory, file)), hide), file)),
      ...search.in(files.join('\n'), 'the names of its files'),
      ...search.in([...tap.requests, ...tap.answers].join('\n'), 'HTTP'),
      ...search.in(logLines.join('\n'), 'the log'),
      ...search.in(await answers(name, acts), 'its answers'),
    ]
  }

  const places = (findings: readonly Finding[]) => [
    ...new Set(findings.map(({ where }) => where.replace(/ \d+ /, ' '))),
  ]

  test('its document id is nowhere on the relay: frames, database, write-ahead file, log, HTTP, answers', async () => {
    await liveThrough(room, { keys: keysWithTellingHints(), documentId: DOCUMENT_ID })
    const search = new CanarySearch([DOCUMENT_ID])
    expect(describeFindings(await searchRelay(search, room))).toBe('')
    // The same search finds the room, which is what the relay has instead.
    const found = places(await searchRelay(new CanarySearch([room]), room))
    expect(found).toEqual(expect.arrayContaining(['frame (up)', expect.stringMatching(/-wal$|\.db$|\.sqlite$/)]))
    await relay.close()
    expect(describeFindings(search.inDirectory(directory))).toBe('')
  })

  test('control: a room that is named as the document gives it away, in frames and database', async () => {
    await liveThrough(DOCUMENT_ID, { keys: keysWithTellingHints() })
    const found = places(await searchRelay(new CanarySearch([DOCUMENT_ID]), DOCUMENT_ID))
    expect(found).toEqual(expect.arrayContaining(['frame (up)', expect.stringMatching(/-wal$|\.db$|\.sqlite$/)]))
    expect(found).not.toContain('the log')
  })

  test('a key hint is in the public epoch record, from which the operator is told it, and nowhere else', async () => {
    await liveThrough(room, { keys: keysWithTellingHints(), documentId: DOCUMENT_ID })
    const search = new CanarySearch(HINTS)
    const open = places(await searchRelay(search, room))
    expect(open).toEqual(expect.arrayContaining(['frame (up)', 'frame (down)', 'its answers']))
    const apart = { hide: await recordsOf(room), acts: ['sessions', 'usage'] }
    expect(describeFindings(await searchRelay(search, room, apart))).toBe('')
  })
})

/** The same bytes with each of these overwritten wherever it stands. */
function without(bytes: Uint8Array, hidden: readonly Uint8Array[]): Uint8Array {
  const left = Buffer.from(bytes)
  for (const one of hidden) {
    for (let at = left.indexOf(one); at >= 0; at = left.indexOf(one, at + one.length)) left.fill(0, at, at + one.length)
  }
  return left
}
