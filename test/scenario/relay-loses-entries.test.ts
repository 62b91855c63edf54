import { EventEmitter } from 'node:events'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRelay, type Relay } from '@y-sealed/relay'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { type SealedError, SealedProvider, staticKey } from 'y-sealed'
import * as Y from 'yjs'
import { until, untilText, untilTrue } from '../support/events.ts'

const keys = staticKey('a-key-that-nobody-guesses-0123456789')

/** Speaks after each frame that a provider has taken. */
const heard = new EventEmitter()
class HeardWebSocket extends WebSocket {
  constructor(...args: ConstructorParameters<typeof WebSocket>) {
    super(...args)
    this.on('message', () => setImmediate(() => heard.emit('message')))
  }
}

let folder: string
let relay: Relay
let port: number
const people: SealedProvider[] = []

function person(doc = new Y.Doc()) {
  const provider = new SealedProvider(`ws://127.0.0.1:${port}`, 'room', doc, {
    keys,
    WebSocketPolyfill: HeardWebSocket,
  })
  const problems: SealedError[] = []
  provider.on('problem', (problem) => problems.push(problem))
  people.push(provider)
  return { doc, provider, problems, text: doc.getText('text'), codes: () => problems.map(({ code }) => code) }
}

const data = (): string => join(folder, 'relay')
const start = async (): Promise<void> => {
  relay = await createRelay({ data: data(), port: port ?? 0 })
  port = Number(new URL(relay.url).port)
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'y-sealed-backup-'))
  port = 0
  await start()
})

afterEach(async () => {
  for (const provider of people.splice(0)) provider.destroy()
  await relay.close()
  rmSync(folder, { recursive: true })
})

describe('a relay that shows less than a member has read', () => {
  it('restored from an old backup: each member says `rollback` once, and what they hold is in the log again', async () => {
    const alice = person()
    alice.text.insert(0, 'kept ')
    await alice.provider.flush()
    await relay.close()
    cpSync(data(), join(folder, 'backup'), { recursive: true })
    await start()
    const bob = person()
    await Promise.all([alice.provider.flush(), bob.provider.whenSynced])
    alice.text.insert(5, 'lost by the relay')
    alice.text.delete(0, 1)
    await untilText(bob.doc, 'ept lost by the relay')

    await relay.close()
    rmSync(data(), { recursive: true })
    cpSync(join(folder, 'backup'), data(), { recursive: true })
    const healed = [alice, bob].map(({ provider }) => until(provider, 'rollback'))
    await start()
    await Promise.all(healed)
    await Promise.all([alice, bob].map(({ provider }) => untilTrue(provider, 'sync', () => provider.synced)))
    await Promise.all([alice.provider.flush(), bob.provider.flush()])

    const carol = person()
    await carol.provider.whenSynced
    expect(carol.text.toString()).toBe('ept lost by the relay')
    expect(alice.text.toString()).toBe('ept lost by the relay')
    expect([alice.codes(), bob.codes(), carol.codes()]).toEqual([['rollback'], ['rollback'], []])
    // And the new history goes on as any other.
    carol.text.insert(0, 'k')
    await untilText(alice.doc, 'kept lost by the relay')
    await untilText(bob.doc, 'kept lost by the relay')
  })

  it('wiped: never a second history and never a blank `synced`; the text stays, and says that it is unsynced', async () => {
    const alice = person()
    alice.text.insert(0, 'mine')
    await alice.provider.flush()
    await relay.close()
    rmSync(data(), { recursive: true })
    const told = until(alice.provider, 'rollback')
    await start()
    await told
    alice.text.insert(4, ', still')
    expect(alice.provider.synced).toBe(false)
    expect(alice.provider.hasUnsyncedChanges).toBe(true)
    expect(alice.text.toString()).toBe('mine, still')

    // Somebody who has never been here opens the document anew: Alice does not mix the two.
    const mallory = person()
    mallory.text.insert(0, 'another history')
    await mallory.provider.flush()
    alice.provider.disconnect()
    const joinedAgain = untilTrue(heard, 'message', () => alice.provider.counters.rollback === 2)
    alice.provider.connect()
    await joinedAgain
    mallory.text.insert(0, '>')
    await mallory.provider.flush()
    expect(alice.text.toString()).toBe('mine, still')
    expect(mallory.text.toString()).toBe('>another history')
  })
})
