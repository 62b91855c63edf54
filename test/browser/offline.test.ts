import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRelay } from '@y-sealed/relay'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { skipBrowserTests } from './browser.ts'
import { readBrowserStorage } from './browser-storage.ts'
import { type KillableBrowser, launchKillable } from './killable-browser.ts'
import { type OfflineSite, openOffline, serveOfflineSite } from './offline-page/serve.ts'

let site: OfflineSite
let relay: Awaited<ReturnType<typeof createRelay>> | undefined
let relayPort = 0
let data: string
let profile: string
let browser: KillableBrowser

const startRelay = async (): Promise<void> => {
  relay = await createRelay({ data, port: relayPort })
  relayPort = Number(new URL(relay.url).port)
}
const stopRelay = async (): Promise<void> => {
  await relay?.close()
  relay = undefined
}
const relayUrl = (): string => `ws://127.0.0.1:${relayPort}`

/** A tab of the browser that runs now. */
const tab = async (options = {}) => openOffline(await browser.context.newPage(), site, relayUrl(), options)

describe.skipIf(skipBrowserTests)('a document on a device, in Chromium', () => {
  beforeAll(async () => {
    site = await serveOfflineSite()
  }, 60_000)
  afterAll(() => site?.close())

  beforeEach(async () => {
    data = mkdtempSync(join(tmpdir(), 'y-sealed-offline-relay-'))
    profile = mkdtempSync(join(tmpdir(), 'y-sealed-offline-'))
    site.keyStatus = 200
    relayPort = 0
    await startRelay()
    browser = await launchKillable(profile)
  }, 60_000)
  afterEach(async () => {
    await browser.close()
    await stopRelay()
    for (const folder of [data, profile]) rmSync(folder, { recursive: true, force: true })
  })

  it('outlives kill -9 of the browser, offline, without endpoint and relay; and what was typed arrives', async () => {
    const begunMs = Date.now()
    const alice = await tab({ offlineUnlock: true })
    await alice.type('online, ')
    await alice.flush()
    await stopRelay()
    await alice.type('then in a tunnel, ')
    await alice.stored()
    const since = await alice.unsyncedSince()
    await browser.kill()

    site.keyStatus = 503
    browser = await launchKillable(profile)
    const again = await tab({ offlineUnlock: true })
    await again.loaded()
    expect(await again.text()).toBe('online, then in a tunnel, ')
    // The last acks before a crash may not be on the disk: then it is the time of what they were for.
    expect(await again.unsyncedSince()).toBeGreaterThan(begunMs)
    expect(await again.unsyncedSince()).toBeLessThanOrEqual(since ?? 0)
    await again.type('and after the crash')
    await again.stored()
    await again.page.reload()
    const third = await openOffline(again.page, site, relayUrl(), { offlineUnlock: true })
    await third.loaded()
    expect(await third.text()).toBe('online, then in a tunnel, and after the crash')

    site.keyStatus = 200
    await startRelay()
    await third.flush()
    const elsewhere = await tab({ account: 'of somebody else' })
    await elsewhere.flush()
    expect(await elsewhere.text()).toBe('online, then in a tunnel, and after the crash')
    expect(await third.unsyncedSince()).toBeUndefined()
    const kept = await readBrowserStorage(third.page)
    expect(kept).toContain('y-sealed ')
    expect(kept).not.toMatch(/tunnel|crash|a-key-that/)
  }, 60_000)

  it('two tabs keep what each has typed, and the log is kept by one, then by the other', async () => {
    const [one, two] = [await tab(), await tab()]
    await Promise.all([one.flush(), two.flush()])
    expect(await one.clientId()).not.toBe(await two.clientId())
    await stopRelay()
    await one.type('from one ')
    await two.type('from two ')
    await Promise.all([one.stored(), two.stored()])
    const locks = () =>
      two.page.evaluate(async () => {
        const { held = [], pending = [] } = await navigator.locks.query()
        return [held, pending].map((list) => list.filter(({ name }) => name?.startsWith('y-sealed ')).length)
      })
    expect(await locks()).toEqual([1, 1])
    await one.page.close()
    await expect.poll(locks).toEqual([1, 0])
    await startRelay()
    await two.flush()
    const three = await tab()
    await three.flush()
    expect([...(await three.text()).matchAll(/from (one|two) /g)].length).toBe(2)
  }, 60_000)

  it('what the endpoint refuses goes from the device, but for what was typed', async () => {
    const alice = await tab({ offlineUnlock: true })
    await alice.type('everybody has this')
    await alice.flush()
    await stopRelay()
    await alice.type(', nobody has that')
    await alice.stored()
    await alice.page.close()
    await startRelay()
    site.keyStatus = 403
    const again = await tab({ offlineUnlock: true })
    await expect.poll(() => again.problems()).toContain('key-refused')
    const counts = () =>
      again.page.evaluate(async () => {
        const [{ name = '' } = {}] = await indexedDB.databases()
        const request = indexedDB.open(name)
        await new Promise((resolve) => {
          request.onsuccess = resolve
        })
        const stores = ['cache', 'outbox'] as const
        const transaction = request.result.transaction(stores)
        const asked = stores.map((store) => transaction.objectStore(store).count())
        await new Promise((resolve) => {
          transaction.oncomplete = resolve
        })
        request.result.close()
        return asked.map(({ result }) => result > 0)
      })
    await expect.poll(counts).toEqual([false, true])
    await again.wipe()
    expect(await again.page.evaluate(async () => (await indexedDB.databases()).length)).toBe(0)
  }, 60_000)

  it('a plaintext y-indexeddb store is taken over: a crash on the way loses nothing, and in the end nothing of it is left', async () => {
    const old = await tab({ account: 'before' })
    await old.plaintext('old-store', 'written before there was y-sealed')
    await old.page.close()
    const alice = await tab({ migrateFrom: 'old-store' })
    await browser.kill()

    browser = await launchKillable(profile)
    const again = await tab({ migrateFrom: 'old-store' })
    await again.flush()
    expect(await again.text()).toBe('written before there was y-sealed')
    const names = () => again.page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))
    await expect.poll(names).not.toContain('old-store')
    expect(await readBrowserStorage(again.page)).not.toContain('before there was')
    void alice
  }, 60_000)
})
