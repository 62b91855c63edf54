import { cpSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createKeyRing, keyEndpoint } from '@y-sealed/key-client'
import { openSqliteKeyStore } from '@y-sealed/key-endpoint'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { mount, temporaryDirectory } from './fixtures.ts'

const HOUR_MS = 3_600_000

/** A store whose directory can be put back to what it was at the last backup. */
function restorable() {
  const root = temporaryDirectory()
  const [live, backup] = [join(root, 'keys'), join(root, 'backup')]
  let store = openSqliteKeyStore(live)
  onTestFinished(() => store.close().catch(() => {}))
  return {
    get store() {
      return store
    },
    async backUp() {
      await store.close()
      rmSync(backup, { recursive: true, force: true })
      cpSync(live, backup, { recursive: true })
      store = openSqliteKeyStore(live)
    },
    async restore() {
      await store.close()
      rmSync(live, { recursive: true })
      renameSync(backup, live)
      store = openSqliteKeyStore(live)
    },
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('after a restore from an old backup', () => {
  it('no number is given to a second key, however many were made since, and none is lower than one before', async () => {
    const disk = restorable()
    const first = await disk.store.currentOrNew('doc-1')
    await disk.backUp()
    // All within one millisecond, as far as the clock can tell.
    const lost = []
    for (let time = 0; time < 50; time++) lost.push(await disk.store.rotate('doc-1'))
    vi.setSystemTime(Date.now() + 1)
    await disk.restore()

    expect(await disk.store.currentOrNew('doc-1')).toEqual(first)
    const next = await disk.store.rotate('doc-1')
    expect(next.epoch).toBeGreaterThan(Math.max(...lost.map(({ epoch }) => epoch)))
    expect(lost.map(({ keyHint }) => keyHint)).not.toContain(next.keyHint)
  })

  it('nor to one that is made by a first question for a document that the backup does not have', async () => {
    const disk = restorable()
    await disk.backUp()
    const lost = await disk.store.currentOrNew('doc-1')
    vi.setSystemTime(Date.now() + HOUR_MS)
    await disk.restore()
    expect((await disk.store.currentOrNew('doc-1')).epoch).toBeGreaterThan(lost.epoch)
  })

  it('members that leave the lost key get one new key, not the old one that the backup calls current', async () => {
    const disk = restorable()
    const revived = await disk.store.currentOrNew('doc-1')
    await disk.backUp()
    const lost = await disk.store.rotate('doc-1', revived.keyHint)
    vi.setSystemTime(Date.now() + HOUR_MS)
    await disk.restore()

    const { url } = await mount({ store: disk.store })
    const rings = Array.from({ length: 20 }, () =>
      createKeyRing({ source: keyEndpoint(url), documentId: 'doc-1', random: () => 0 }),
    )
    await expect(rings[0]!.ask(lost.keyHint)).rejects.toMatchObject({ code: 'key-unknown' })
    const rescued = await Promise.all(rings.map((ring) => ring.confirmNew({ after: lost.keyHint })))
    expect(new Set(rescued.map(({ keyHint }) => keyHint)).size).toBe(1)
    expect([revived.keyHint, lost.keyHint]).not.toContain(rescued[0]?.keyHint)
    expect(rescued[0]?.epoch).toBeGreaterThan(lost.epoch)
    // A client that is still at the revived key, which a removed member may have, is sent on as well.
    expect(await rings[1]!.ask(revived.keyHint)).toMatchObject({ active: false })
    expect((await rings[1]!.ask(null, { after: revived.keyHint })).keyHint).toBe(rescued[0]?.keyHint)
  })

  it('deactivateAll keeps every revived key from being written with', async () => {
    const disk = restorable()
    const revived = await disk.store.currentOrNew('doc-1')
    await disk.backUp()
    await disk.store.rotate('doc-1')
    vi.setSystemTime(Date.now() + HOUR_MS)
    await disk.restore()
    await disk.store.deactivateAll()
    expect(await disk.store.find('doc-1', revived.keyHint)).toMatchObject({ key: revived.key, active: false })
    expect((await disk.store.currentOrNew('doc-1')).keyHint).not.toBe(revived.keyHint)
  })
})
