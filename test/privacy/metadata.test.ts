import { randomBytes } from 'node:crypto'
import { EnvelopeKind, encodeHeader, parseHeader } from '@y-sealed/protocol/header'
import { createRelay } from '@y-sealed/relay'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket as NodeSocket } from 'ws'
import { SealedProvider, staticKey } from 'y-sealed'
import * as Y from 'yjs'
import { launchBrowser, skipBrowserTests } from '../browser/browser.ts'
import { patiently } from '../support/events.ts'
import { headerNames, startUpgradeTap, type UpgradeTap } from '../support/upgrade-tap.ts'
import { readMetadataTable } from './metadata-table.ts'
import { messageFields, recordFields } from './wire-fields.ts'

const rows = readMetadataTable()
const described = rows.flatMap(({ fields }) => fields)
const describedAs = (prefix: RegExp) => described.filter((field) => prefix.test(field)).sort()

describe('docs/metadata.md has a row for', () => {
  it('every field of every message, up and down, and for nothing that is none', () => {
    const fields = messageFields()
    expect(fields).toContain('up.join.room')
    expect(fields).toContain('up.append.envelopes.proof')
    expect(describedAs(/^(up|down)\./)).toEqual(fields.sort())
  })

  it('every part of an envelope that anybody can read', () => {
    const salt = new Uint8Array(16)
    const header = encodeHeader({ kind: EnvelopeKind.update, epochIndex: 1, salt, counter: 1 })
    const { headerBytes, ...parts } = parseHeader(new Uint8Array(Buffer.concat([header, randomBytes(64)])))
    // How long the header is follows from its parts; how long the rest is does not.
    expect(headerBytes).toBe(header.length)
    expect(describedAs(/^envelope\./)).toEqual([...Object.keys(parts), 'length'].map((n) => `envelope.${n}`).sort())
  })

  it('every field of an epoch record', () => {
    expect(describedAs(/^record\./)).toEqual(recordFields().sort())
  })

  it('each field once, with every cell filled', () => {
    expect(described.filter((field, at) => described.indexOf(field) !== at)).toEqual([])
    expect(rows.filter(({ why, tells, lessen }) => why === '' || tells === '' || lessen === '')).toEqual([])
  })
})

describe('docs/metadata.md has a row for every HTTP header', () => {
  let relay: Awaited<ReturnType<typeof createRelay>>
  let tap: UpgradeTap

  beforeAll(async () => {
    relay = await createRelay({ data: 'memory', port: 0 })
    tap = await startUpgradeTap(relay.url)
  })
  afterAll(async () => {
    tap.close()
    await relay.close()
  })

  const undescribed = (prefix: string, heads: readonly string[]): string[] =>
    heads.flatMap(headerNames).filter((name) => !described.includes(`${prefix}.${name}`))

  it('that a provider under Node and the relay send, with nothing in the path', async () => {
    const provider = new SealedProvider(tap.url, 'room', new Y.Doc(), {
      keys: staticKey(randomBytes(32).toString('base64url')),
      WebSocketPolyfill: NodeSocket as never, // ws has every member that the provider uses
      protocols: ['y-sealed'],
      params: { a: 'b' },
      token: 'token',
    })
    await patiently(provider.whenSynced, 'the provider to be synced')
    provider.destroy()
    expect(tap.requests[0]).toMatch(/^GET \/ HTTP\/1\.1\r\n/)
    expect(headerNames(tap.requests[0] ?? '')).toContain('sec-websocket-protocol')
    expect(undescribed('upgrade', tap.requests)).toEqual([])
    expect(headerNames(tap.answers[0] ?? '')).toContain('sec-websocket-accept')
    expect(undescribed('answer', tap.answers)).toEqual([])
  })

  it.skipIf(skipBrowserTests)('that Chromium sends, cookies of the site among them', async () => {
    const browser = await launchBrowser()
    try {
      const page = await browser.newPage()
      // By the browser, not by the page: what a page sets may arrive after its next request.
      await page.context().addCookies([{ name: 'of', value: 'the-site', url: relay.url.replace('ws:', 'http:') }])
      await page.goto(`http://${new URL(relay.url).host}/healthz`)
      await page.evaluate(async (url) => {
        const socket = new WebSocket(url)
        await new Promise((resolve, reject) => {
          socket.onopen = resolve
          socket.onerror = reject
        })
        socket.close()
      }, tap.url)
    } finally {
      await browser.close()
    }
    const head = tap.requests.at(-1) ?? ''
    expect(headerNames(head)).toEqual(expect.arrayContaining(['origin', 'cookie', 'user-agent']))
    expect(undescribed('upgrade', [head])).toEqual([])
  })
})
