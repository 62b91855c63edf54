import { describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { SealedProvider, staticKey } from 'y-sealed'
import * as Y from 'yjs'
import { until } from '../support/events.ts'
import { createRelay } from '../support/nodes.ts'
import { startWorld } from '../support/world.ts'

const MEBIBYTE = 1024 * 1024

describe('edits larger than a frame', () => {
  it('a paste of 10 MB and an import of 20 MB sync, in parts, and a late reader has both', async () => {
    const world = await startWorld({ data: 'disk' })
    const alice = world.person('alice')
    const bob = world.person('bob')
    await Promise.all([alice.provider.whenSynced, bob.provider.whenSynced])
    const paste = 'The quick brown fox jumps over the lazy dog. '.repeat(Math.ceil((10 * MEBIBYTE) / 45))
    alice.text.insert(0, paste)
    await alice.provider.flush()

    const imported = new Y.Doc()
    imported.getMap('import').set('bytes', new Uint8Array(20 * MEBIBYTE).fill(7))
    Y.applyUpdate(bob.doc, Y.encodeStateAsUpdate(imported))
    await bob.provider.flush()

    const carol = world.person('carol')
    await carol.provider.whenSynced
    expect(carol.text.length).toBe(paste.length)
    expect(carol.text.toString() === paste).toBe(true)
    expect((carol.doc.getMap('import').get('bytes') as Uint8Array).length).toBe(20 * MEBIBYTE)
    expect(alice.provider.counters.sealed).toBeGreaterThanOrEqual(40)
    await world.close()
  })

  it('a document with content is seeded whole by `initial`, larger than a frame as well', async () => {
    const world = await startWorld()
    const text = 'x'.repeat(3 * MEBIBYTE)
    const alice = world.person('alice', { initial: (doc) => doc.getText('text').insert(0, text) })
    await alice.provider.whenSynced
    expect(alice.text.length).toBe(text.length)
    const bob = world.person('bob')
    await bob.provider.whenSynced
    expect(bob.text.length).toBe(text.length)
    await world.close()
  })

  it('over the relay’s limit: `limit` once, nothing lost, and an undo lets everything else through', async () => {
    const relay = await createRelay({ data: 'memory', port: 0, limits: { maxAppendBytes: MEBIBYTE } })
    const keys = staticKey('a-key-that-nobody-guesses-0123456789')
    const make = (doc: Y.Doc) => new SealedProvider(relay.url, 'room', doc, { keys, WebSocketPolyfill: WebSocket })
    const doc = new Y.Doc()
    const provider = make(doc)
    await provider.whenSynced
    const codes: string[] = []
    provider.on('problem', ({ code }) => codes.push(code))
    const text = doc.getText('text')
    const undo = new Y.UndoManager(text, { captureTimeout: 0 })
    text.insert(0, 'before ')
    await provider.flush()
    undo.stopCapturing()
    const limit = until(provider, 'limit')
    text.insert(7, 'y'.repeat(2 * MEBIBYTE))
    await limit
    await expect(provider.flush()).rejects.toMatchObject({ code: 'limit' })
    expect(provider.hasUnsyncedChanges).toBe(true)
    text.insert(0, 'and ')
    expect(provider.hasUnsyncedChanges).toBe(true)
    undo.undo()
    undo.undo()
    text.insert(0, 'small ')
    await provider.flush()
    expect(provider.hasUnsyncedChanges).toBe(false)
    const reader = new Y.Doc()
    const other = make(reader)
    await other.whenSynced
    expect(reader.getText('text').toString()).toBe(text.toString())
    expect(text.toString()).toBe('small before ')
    expect(codes).toEqual(['limit'])
    provider.destroy()
    other.destroy()
    await relay.close()
  })
})
