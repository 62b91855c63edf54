import type { Browser, BrowserContext, Page, Route, WebSocketRoute } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { de } from '../../demo-editor/src/messages/de.ts'
import { en, type MessageKey } from '../../demo-editor/src/messages/en.ts'
import { seriousProblems } from './accessibility.ts'
import { launchBrowser, skipBrowserTests } from './browser.ts'
import { openDemoPage, waitUntilOpen } from './demo-page.ts'
import { type RunningDemo, startDemo } from './running-demo.ts'

// Other tests that run at the same time take other ports.
const PORT_OFFSET = 12_500
// A browser and four processes share two cores.
const PATIENCE = { timeout: 20_000, interval: 50 }
// Each story waits several times.
const SLOW = { timeout: 90_000 }

describe.skipIf(skipBrowserTests)('what the demo editor tells people, and when', SLOW, () => {
  let demo: RunningDemo
  let browser: Browser
  const open = (name: string, documentName: string, options = {}) =>
    openDemoPage(browser, demo.url, { name, documentName, ...options })

  beforeAll(async () => {
    demo = await startDemo(PORT_OFFSET)
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await demo?.dispose()
  })

  it('five seconds without network: no word; half a minute: a calm one; back: gone by itself, and what was typed arrives', async () => {
    const context = await browser.newContext()
    const network = await switchableNetwork(context)
    const alice = await open('Alice', 'tunnel', { context, clock: true })
    const { page } = alice
    await alice.type('Before. ')
    await expect.poll(() => alice.state('storage'), PATIENCE).toBe('All changes stored')

    network.isUp = false
    network.cut()
    await expect.poll(() => page.getAttribute('#storage-state', 'title'), PATIENCE).toBe(en['storage.stored.detail'])
    await page.clock.fastForward(4_000)
    expect(await words(page)).toEqual({
      connection: 'Connected',
      storage: 'All changes stored',
      away: '',
      problems: '',
    })
    await alice.type('In the tunnel. ')
    await page.clock.fastForward(10_000)
    await expect
      .poll(() => words(page), PATIENCE)
      .toEqual({
        connection: 'Connecting…',
        storage: 'Kept in this tab',
        away: '',
        problems: '',
      })
    await page.clock.fastForward(20_000)
    await expect.poll(() => page.textContent('#away'), PATIENCE).toBe(en['away.note'])
    expect(await words(page)).toMatchObject({ storage: 'Kept on this device', problems: '' })
    expect(await leavingWarns(page)).toBe(true)

    network.isUp = true
    await expect
      .poll(async () => {
        await page.clock.fastForward(5_000)
        return words(page)
      }, PATIENCE)
      .toEqual({ connection: 'Connected', storage: 'All changes stored', away: '', problems: '' })
    expect(await page.textContent('#announcement')).toBe(en['away.back.stored'])
    expect(await leavingWarns(page)).toBe(false)
    await context.close()
  })

  it('a wrong key and a key endpoint out of reach are told apart; locked, all can be copied and exported; recovery is announced', async () => {
    const alice = await open('Alice', 'keys', { clock: true })
    const { page } = alice
    await alice.type('Mine to keep.')
    await expect.poll(() => alice.state('storage'), PATIENCE).toBe('All changes stored')

    let answer: (route: Route) => Promise<void> = (route) => route.abort()
    await page.route(KEYS, (route) => (route.request().method() === 'OPTIONS' ? route.continue() : answer(route)))
    await page.reload()
    await expect
      .poll(() => wordsLater(page), PATIENCE)
      .toMatchObject({ problems: `${en['problem.key-unavailable']} key-unavailable` })
    expect(await alice.state('encryption')).toBe('Waiting for the key')
    await page.click('#editor .ProseMirror')
    await page.keyboard.type('Written while locked.')

    answer = async (route) => {
      const response = await route.fetch()
      await route.fulfill({
        response,
        json: { ...(await response.json()), key: 'another key than it was sealed with: 0123456789' },
      })
    }
    await page.click('#offline-toggle')
    await page.click('#offline-toggle')
    await expect
      .poll(() => wordsLater(page), PATIENCE)
      .toMatchObject({ problems: `${en['problem.key-mismatch']} key-mismatch` })
    expect(await alice.state('encryption')).toBe('Locked')
    expect(await exported(page, 'text')).toContain('Written while locked.')
    expect(await exported(page, 'html')).toMatch(/^<!doctype html>[\s\S]*<p>Written while locked\.<\/p>/)
    const restored = new Y.Doc()
    Y.applyUpdate(restored, await exportedBytes(page, 'update'))
    expect(restored.getXmlFragment('text').toString()).toContain('Written while locked.')
    await page.evaluate(() => getSelection()?.selectAllChildren(document.querySelector('#editor .ProseMirror') as Node))
    expect(await page.evaluate(() => getSelection()?.toString())).toContain('Written while locked.')

    answer = (route) => route.continue()
    await page.click('#offline-toggle')
    await page.click('#offline-toggle')
    await expect.poll(() => wordsLater(page), PATIENCE).toMatchObject({ storage: 'All changes stored', problems: '' })
    expect(await alice.text()).toContain('Mine to keep.')
    expect(await page.textContent('#announcement')).toBe(en['key-match'])
    await alice.context.close()
  })

  it('who is removed sees what happened, keeps what is on the screen, and nothing typed since is sent', async () => {
    // Whoever comes first owns it.
    const alice = await open('Alice', 'plans')
    const bob = await open('Bob', 'plans')
    await alice.type('For both. ')
    await expect.poll(() => bob.text(), PATIENCE).toContain('For both.')

    await alice.page.click('#share')
    await alice.page.click('[aria-label="Remove Bob"]')
    await expect
      .poll(() => words(bob.page), PATIENCE)
      .toMatchObject({ problems: `${en['problem.session-revoked']} session-revoked` })
    expect(await bob.page.getAttribute('#editor .ProseMirror', 'contenteditable')).toBe('false')
    expect(await bob.text()).toContain('For both.')
    expect(await exported(bob.page, 'text')).toContain('For both.')
    await expect
      .poll(() => alice.page.textContent('#share-state'), PATIENCE)
      .toBe(en['share.removed'].replace('{name}', 'Bob'))
    expect(await alice.page.textContent('#epoch-index')).toBe('1')
    await alice.page.click('#share-close')

    await bob.page.reload()
    await bob.page.waitForSelector('#refused:not([hidden])')
    expect(await bob.page.textContent('#refused-why')).toBe(en['refused.removed'])
    await alice.type('Without you.')
    await expect.poll(() => alice.state('storage'), PATIENCE).toBe('All changes stored')
    await alice.context.close()
    await bob.context.close()
  })

  it('a document whose key stands in the link: with the link it opens, without it is locked and says so', async () => {
    const alice = await open('Alice', 'start')
    const { page } = alice
    await page.click('#documents-toggle')
    await page.fill('#new-name', 'in-the-link')
    await page.click('input[value=link]')
    await page.click('#new-document [type=submit]')
    await page.waitForURL(/#doc=in-the-link&key=/)
    await waitUntilOpen(page)
    await alice.type('Only by the link.')
    await expect.poll(() => alice.state('storage'), PATIENCE).toBe('All changes stored')
    await page.click('#share')
    const link = await page.inputValue('#share-link')
    expect(link).toMatch(/#doc=in-the-link&key=[\w-]{43}$/)

    const context = await browser.newContext()
    const other = await context.newPage()
    await other.goto(link)
    await other.click('text=Bob')
    await expect.poll(() => other.textContent('.ProseMirror'), PATIENCE).toContain('Only by the link.')
    await other.click('#documents-toggle')
    await other.click('#documents-list a:has-text("in-the-link")')
    await expect
      .poll(() => words(other), PATIENCE)
      .toMatchObject({ problems: `${en['problem.key-missing']} key-missing` })
    await context.close()
    await alice.context.close()
  })

  it('where the visitor is the relay and lies, the editor says so, and the text is whole afterwards', async () => {
    const alice = await open('Alice', 'broken')
    const { page } = alice
    await alice.type('My own text.')
    await page.click('#break-toggle')
    for (const [attack, code] of [
      ['alter', 'tampered'],
      ['rollback', 'rollback'],
    ] as const) {
      await page.click(`#attack-${attack}`)
      const verdict = `.attack:has(#attack-${attack}) .verdict`
      await page.waitForSelector(`${verdict} .whole`)
      expect(await page.textContent(`${verdict} .said code`)).toBe(code)
      await expect.poll(() => page.getAttribute(`#attack-${attack}`, 'aria-disabled'), PATIENCE).toBe('false')
    }
    await expect.poll(() => alice.text(), PATIENCE).toBe('My own text.')
    await alice.context.close()
  })

  it('axe finds nothing to complain of: page, dialogs, cards and panels, by day and by night; nor does it on a phone, in German', async () => {
    const alice = await open('Alice', 'welcome')
    const { page } = alice
    const look = async (where: string, within?: string) =>
      expect(await seriousProblems(page, within), where).toEqual([])
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await look(`page with the relay's view, ${colorScheme}`)
      for (const panel of ['break', 'history']) {
        await page.click(`#${panel}-toggle`)
        await look(`${panel}, ${colorScheme}`, `#${panel}-panel`)
      }
      for (const [toggle, close, dialog] of [
        ['documents-toggle', 'documents-close', 'documents'],
        ['share', 'share-close', 'share-dialog'],
        ['key-toggle', 'key-close', 'key-card'],
        ['export-toggle', 'export-close', 'export-card'],
      ] as const) {
        await page.click(`#${toggle}`)
        await look(`${dialog}, ${colorScheme}`, `#${dialog}`)
        await page.click(`#${close}`)
        // The focus goes back to where it came from.
        expect(await page.evaluate(() => document.activeElement?.id)).toBe(toggle)
      }
      await page.click('#relay-toggle')
    }
    expect(alice.complaints).toEqual([])

    await page.setViewportSize({ width: 360, height: 740 })
    await page.goto(`${demo.url}/?lang=de#/welcome`)
    await waitUntilOpen(page)
    await look('phone, German')
    expect(await page.getAttribute('html', 'lang')).toBe('de')
    const english = new Set(
      (Object.keys(en) as MessageKey[])
        .filter(
          // What was written into the document once stays in its language.
          (key) => en[key] !== de[key] && !key.startsWith('welcome.'),
        )
        .map((key) => en[key]),
    )
    expect((await page.evaluate(allWords)).filter((word) => english.has(word as never))).toEqual([])
    const tree = await page.locator('body').ariaSnapshot()
    for (const line of [
      'button "Ende-zu-Ende-verschlüsselt"',
      'button "Teilen"',
      'button "Was das Relay sieht"',
      'toolbar "Formatierung"',
      'textbox "Text des Dokuments"',
      'list "Wer in diesem Dokument ist"',
    ])
      expect(tree).toContain(line)
    await alice.context.close()
  })
})

const KEYS = (url: URL) => url.pathname.startsWith('/keys')

interface Network {
  isUp: boolean
  cut(): void
}

/** What stands between the pages and the relay. */
async function switchableNetwork(context: BrowserContext): Promise<Network> {
  const open = new Set<WebSocketRoute>()
  const network = {
    isUp: true,
    cut() {
      for (const socket of open) void socket.close({ code: 3_001 })
      open.clear()
    },
  }
  await context.routeWebSocket(/./, (socket) => {
    if (!network.isUp) void socket.close({ code: 3_001 })
    else {
      socket.connectToServer()
      open.add(socket)
    }
  })
  return network
}

/** Everything that a person is told about the state of things. */
async function words(page: Page) {
  const [connection, storage, away, problems] = await Promise.all(
    ['#connection-state', '#storage-state', '#away', '#problems'].map(async (id) => (await page.textContent(id)) ?? ''),
  )
  return { connection, storage, away, problems }
}

/** A second later, for who waits for something to be tried again. */
async function wordsLater(page: Page) {
  await page.clock.fastForward(1_000)
  return words(page)
}

/** Whether the browser would ask before this tab is closed. */
function leavingWarns(page: Page): Promise<boolean> {
  return page.evaluate(() => !dispatchEvent(new Event('beforeunload', { cancelable: true })))
}

async function exportedBytes(page: Page, kind: 'text' | 'html' | 'update'): Promise<Uint8Array> {
  await page.click('#export-toggle')
  const [download] = await Promise.all([page.waitForEvent('download'), page.click(`#export-${kind}`)])
  const pieces: Buffer[] = []
  for await (const piece of await download.createReadStream()) pieces.push(piece as Buffer) // a stream of bytes
  return Buffer.concat(pieces)
}

async function exported(page: Page, kind: 'text' | 'html'): Promise<string> {
  return new TextDecoder().decode(await exportedBytes(page, kind))
}

/** In the page: all texts, and what is said in place of one. */
function allWords(): string[] {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const found: string[] = []
  while (texts.nextNode()) found.push(texts.currentNode.textContent?.trim() ?? '')
  for (const each of document.querySelectorAll('[aria-label], [title], [placeholder]')) {
    for (const name of ['aria-label', 'title', 'placeholder']) found.push(each.getAttribute(name) ?? '')
  }
  return found
}
