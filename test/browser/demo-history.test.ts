import type { Browser, Page, Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { launchBrowser, skipBrowserTests } from './browser.ts'
import { closePages } from './close-pages.ts'
import { type DemoPage, openDemoPage, waitUntilOpen } from './demo-page.ts'
import { HOSTILE_ADDRESSES, HOSTILE_TEXTS, joinAsHostileMember } from './hostile-member.ts'
import { type RunningDemo, startDemo } from './running-demo.ts'

// Other tests that run at the same time take other ports.
const PORT_OFFSET = 11_000
// Two browsers and four processes share two cores.
const PATIENCE = { timeout: 20_000, interval: 50 }

// Each story waits several times.
const SLOW = { timeout: 90_000 }

const OLD = 'Written under the old key.'
const NEW = ' And this under the new one.'

describe.skipIf(skipBrowserTests)('history and rotation in the demo editor', SLOW, () => {
  let demo: RunningDemo
  let browsers: Browser[]
  const open = (browser: number, name: string, documentName: string, options = {}) =>
    openDemoPage(browsers[browser]!, demo.url, { name, documentName, ...options })

  beforeAll(async () => {
    demo = await startDemo(PORT_OFFSET)
    browsers = await Promise.all([launchBrowser(), launchBrowser()])
  })
  afterAll(async () => {
    await Promise.all((browsers ?? []).map((browser) => browser.close()))
    await demo?.dispose()
  })

  it('type, rotate, type, slide back, restore, undo: both people see the same all the way', async () => {
    const [alice, bob] = await Promise.all([open(0, 'Alice', 'restored'), open(1, 'Bob', 'restored')])
    await alice.type(OLD)
    await expect.poll(() => bob.text(), PATIENCE).toBe(OLD)
    const before = await shownKey(alice)
    expect(await shownKey(bob)).toEqual(before)

    await rotate(alice)
    const after = await shownKey(alice)
    expect(after.epoch).toBe('1')
    expect(after.fingerprint).not.toBe(before.fingerprint)
    expect(await statusOf(alice.page, '#rotate-state')).toBe(
      `New key in use: epoch 1, fingerprint ${after.fingerprint}`,
    )
    await expect.poll(() => shownKey(bob), PATIENCE).toEqual(after)
    expect(await statusOf(bob.page, '#rotate-state')).toContain('Somebody rotated the key. New key in use: epoch 1')
    await alice.type(NEW)
    await expect.poll(() => bob.text(), PATIENCE).toBe(OLD + NEW)

    await alice.page.click('#history-toggle')
    await expect.poll(() => epochNames(alice.page), PATIENCE).toEqual(['Epoch 1', 'Epoch 0'])
    expect(await alice.page.locator('.epoch-fingerprint').allTextContents()).toEqual([
      after.fingerprint,
      before.fingerprint,
    ])
    await alice.page.click('#epochs button:has-text("Epoch 0")')
    await expect.poll(() => pastText(alice.page), PATIENCE).toBe(OLD)
    expect(await alice.page.isVisible('#editor')).toBe(false)
    expect(await alice.page.getAttribute('#past .ProseMirror', 'contenteditable')).toBe('false')

    await alice.page.click('#history-restore')
    // So soon that it would be the same undo step, if restoring did not stand alone.
    await alice.type('!')
    await expect.poll(() => bob.text(), PATIENCE).toBe(`${OLD}!`)
    expect(await statusOf(alice.page, '#history-note')).toMatch(/^Restored: Change \d+ of \d+, epoch 0\./)
    expect(await alice.page.isVisible('#past')).toBe(false)

    await alice.page.click('#toolbar [aria-label="Undo"]')
    await expect.poll(() => bob.text(), PATIENCE).toBe(OLD)
    await alice.page.click('#toolbar [aria-label="Undo"]')
    await expect.poll(() => bob.text(), PATIENCE).toBe(OLD + NEW)
    expect(await alice.text()).toBe(OLD + NEW)
    await closePages(alice, bob)
  })

  it('by keyboard alone: the slider says where it is, steps through both epochs, and ends at now', async () => {
    const alice = await open(0, 'Alice', 'keyboard')
    await alice.type(OLD)
    await rotate(alice)
    await alice.type(NEW)
    await expect.poll(() => alice.state('storage'), PATIENCE).toBe('All changes stored')
    await alice.page.focus('#history-toggle')
    await alice.page.keyboard.press('Enter')
    await alice.page.waitForSelector('#history-slider')
    for (let tab = 0; tab < 3; tab++) await alice.page.keyboard.press('Tab')
    const slider = alice.page.locator('#history-slider')
    expect(await slider.evaluate((element) => element === document.activeElement)).toBe(true)
    expect(await slider.getAttribute('aria-valuetext')).toBe('Now')

    await alice.page.keyboard.press('Home')
    expect(await slider.getAttribute('aria-valuetext')).toBe('Before the first change')
    await expect.poll(() => statusOf(alice.page, '#history-note'), PATIENCE).toBe('Shown: Before the first change.')
    expect(await pastText(alice.page)).toBe('')
    await alice.page.keyboard.press('End')
    expect(await slider.getAttribute('aria-valuetext')).toBe('Now')
    expect(await alice.page.isVisible('#editor')).toBe(true)
    const steps = Number(await slider.getAttribute('max'))
    const texts = new Set<string>()
    for (let step = 1; step < steps; step++) {
      await alice.page.keyboard.press('ArrowLeft')
      await expect
        .poll(() => statusOf(alice.page, '#history-note'), PATIENCE)
        .toMatch(new RegExp(`^Shown: Change ${steps - step} of`))
      const text = await pastText(alice.page)
      expect(OLD + NEW).toContain(text)
      texts.add(text)
    }
    expect(texts.has(OLD)).toBe(true)
    // In the panel, away from the text: nothing was typed by any of these keys.
    await alice.page.keyboard.press('Escape')
    expect(await alice.page.isVisible('#history-panel')).toBe(false)
    expect(await alice.text()).toBe(OLD + NEW)
    await closePages(alice)
  })

  it('what others type meanwhile is not in the past, and is there when one comes back', async () => {
    const [alice, bob] = await Promise.all([open(0, 'Alice', 'meanwhile'), open(1, 'Bob', 'meanwhile')])
    await alice.type(OLD)
    await expect.poll(() => bob.text(), PATIENCE).toBe(OLD)
    await alice.page.click('#history-toggle')
    await alice.page.waitForSelector('#history-slider')
    await alice.page.focus('#history-slider')
    await alice.page.keyboard.press('ArrowLeft')
    await expect.poll(() => statusOf(alice.page, '#history-note'), PATIENCE).toMatch(/^Shown: Change/)
    const past = await pastText(alice.page)
    const largest = () => alice.page.getAttribute('#history-slider', 'max')
    const before = Number(await largest())
    await bob.type(NEW)
    await expect.poll(async () => Number(await largest()), PATIENCE).toBeGreaterThan(before)
    expect(await pastText(alice.page)).toBe(past)
    await alice.page.click('#history-now')
    await expect.poll(() => alice.text(), PATIENCE).toBe(OLD + NEW)
    await closePages(alice, bob)
  })

  it('an epoch whose key is refused is locked, and the others are not', async () => {
    const alice = await open(0, 'Alice', 'locked')
    await alice.type(OLD)
    await rotate(alice)
    await alice.type(NEW)
    await expect.poll(() => alice.state('storage'), PATIENCE).toBe('All changes stored')
    await refuseOldKeys(alice)
    await alice.page.reload()
    await waitUntilOpen(alice.page)
    await alice.page.click('#history-toggle')
    await alice.page.waitForSelector('#history-slider')
    await alice.page.focus('#history-slider')
    await alice.page.keyboard.press('Home')
    await expect.poll(() => statusOf(alice.page, '#history-note'), PATIENCE).toMatch(/^Locked: the key endpoint/)
    expect(await pastText(alice.page)).toBe('')
    expect(await alice.page.textContent('#epochs button:has-text("Epoch 0")')).toContain('locked')
    expect(await alice.page.getAttribute('#history-restore', 'aria-disabled')).toBe('true')
    expect(await alice.state('encryption')).toBe('End-to-end encrypted')

    // How the locked epoch ended is how the next one began.
    await alice.page.click('#epochs button:has-text("Epoch 0")')
    await expect.poll(() => pastText(alice.page), PATIENCE).toBe(OLD)
    await alice.page.click('#history-now')
    expect(await alice.text()).toBe(OLD + NEW)
    // The browser's own words about the 403.
    expect(alice.complaints.filter((complaint) => !complaint.includes('403'))).toEqual([])
    await alice.context.close()
  })

  it('offline: no rotation, and the past says why it is not there; once back it opens by itself', async () => {
    const alice = await open(0, 'Alice', 'offline')
    await alice.type(OLD)
    await expect.poll(() => alice.state('storage'), PATIENCE).toBe('All changes stored')
    await alice.page.click('#history-toggle')
    await alice.page.waitForSelector('#history-slider')
    await alice.page.click('#offline-toggle')
    await alice.page.click('#key-toggle')
    await expect.poll(() => alice.page.getAttribute('#rotate', 'aria-disabled'), PATIENCE).toBe('true')
    expect(await alice.page.textContent('#rotate-obstacle')).toBe('Only while you are connected.')
    await alice.page.click('#rotate', { force: true })
    await alice.page.keyboard.press('Escape')
    await alice.page.focus('#history-slider')
    await alice.page.keyboard.press('ArrowLeft')
    await expect.poll(() => statusOf(alice.page, '#history-note'), PATIENCE).toMatch(/^You are offline\./)
    await alice.page.click('#offline-toggle')
    await expect.poll(() => statusOf(alice.page, '#history-note'), PATIENCE).toMatch(/^Shown: Change/)
    expect(await shownKey(alice)).toMatchObject({ epoch: '0' })
    await closePages(alice)
  })

  it('a rotation that the key endpoint refuses is told with its reason; the document goes on', async () => {
    const alice = await open(0, 'Alice', 'unrotated')
    await alice.type(OLD)
    await expect.poll(() => alice.state('storage'), PATIENCE).toBe('All changes stored')
    await refuseNewKeys(alice)
    await alice.page.click('#key-toggle')
    await alice.page.click('#rotate')
    await expect
      .poll(() => statusOf(alice.page, '#rotate-state'), PATIENCE)
      .toMatch(/^The key was not rotated: the key endpoint does not let you make a new key\./)
    expect(await alice.page.getAttribute('#rotate', 'aria-disabled')).toBe('false')
    await alice.type(NEW)
    await expect.poll(() => alice.state('storage'), PATIENCE).toBe('All changes stored')
    expect(await shownKey(alice)).toMatchObject({ epoch: '0' })
    expect(alice.complaints.filter((complaint) => !complaint.includes('403'))).toEqual([])
    await alice.context.close()
  })

  it(`a hostile member’s ${HOSTILE_TEXTS.length + HOSTILE_ADDRESSES.length} texts and links run nothing in the past, either, nor when restored`, async () => {
    const alice = await open(0, 'Alice', 'hostile-past')
    await alice.type('Hello. ')
    await expect.poll(() => alice.state('storage'), PATIENCE).toBe('All changes stored')
    const mallory = await joinAsHostileMember(demo.url, 'hostile-past')
    const fragment = mallory.doc.getXmlFragment('text')
    mallory.doc.transact(() => {
      for (const text of HOSTILE_TEXTS) fragment.push([paragraph(new Y.XmlText(text))])
      for (const href of HOSTILE_ADDRESSES) fragment.push([paragraph(linked(`link to ${href}`, href))])
      fragment.push([new Y.XmlElement('script'), new Y.XmlElement('iframe')])
    })
    await mallory.provider.flush()
    mallory.provider.destroy()
    await expect.poll(() => alice.text(), PATIENCE).toContain('link to file:///etc/passwd')
    await alice.type('The end.')
    await rotate(alice)
    await alice.type('After the end.')
    await expect.poll(() => alice.state('storage'), PATIENCE).toBe('All changes stored')

    await alice.page.click('#history-toggle')
    await alice.page.click('#epochs button:has-text("Epoch 0")')
    await expect.poll(() => pastText(alice.page), PATIENCE).toContain('The end.')
    for (const text of HOSTILE_TEXTS) expect(await pastText(alice.page)).toContain(text)
    const harmful = ':is(script, iframe, style, base, svg, a[href], [onerror], [onload], [onmouseover])'
    expect(await alice.page.locator(`.ProseMirror ${harmful}`).count()).toBe(0)
    await alice.page.click('#history-restore')
    await expect.poll(() => alice.text(), PATIENCE).not.toContain('After the end.')
    expect(await alice.page.locator(`.ProseMirror ${harmful}`).count()).toBe(0)
    expect(await alice.page.evaluate('window.pwned')).toBeUndefined()
    await closePages(alice)
  })

  it('fits a phone in the dark: nothing is wider than 360 px, and the text can be scrolled out from under the panel', async () => {
    const alice = await open(0, 'Alice', 'phone', {
      viewport: { width: 360, height: 740 },
      colorScheme: 'dark',
    })
    await alice.type(`${OLD} ${'word '.repeat(20)}`)
    await rotate(alice)
    await alice.type('The last line.')
    const widest = () =>
      alice.page.evaluate(() =>
        Math.max(...[...document.querySelectorAll('html, .desk, .side-panel')].map((part) => part.scrollWidth)),
      )
    await alice.page.click('#key-toggle')
    expect(await widest()).toBe(360)
    await alice.page.click('#key-toggle')
    await alice.page.click('#history-toggle')
    await alice.page.click('#epochs button:has-text("Epoch 0")')
    await expect.poll(() => pastText(alice.page), PATIENCE).toContain(OLD)
    expect(await widest()).toBe(360)
    await alice.page.locator('.desk').evaluate((desk) => desk.scrollTo(0, desk.scrollHeight))
    const [sheet, panel] = await Promise.all(
      ['#past', '#history-panel'].map((selector) => alice.page.locator(selector).boundingBox()),
    )
    expect(sheet!.y + sheet!.height).toBeLessThanOrEqual(panel!.y + 1)
    await closePages(alice)
  })
})

async function rotate(person: DemoPage): Promise<void> {
  const { page } = person
  await expect.poll(() => person.state('storage'), PATIENCE).toBe('All changes stored')
  await page.click('#key-toggle')
  await page.click('#rotate')
  await expect.poll(() => statusOf(page, '#rotate-state'), PATIENCE).toMatch(/^New key in use/)
}

/** What two people read to each other. */
async function shownKey({ page }: DemoPage) {
  return { epoch: await page.textContent('#epoch-index'), fingerprint: await page.textContent('#fingerprint') }
}

const statusOf = async (page: Page, selector: string) => (await page.textContent(`${selector}[role=status]`)) ?? ''

const epochNames = (page: Page) => page.locator('.epoch-name').allTextContents()

/** Empty where nothing can be shown. */
const pastText = async (page: Page) => (await page.locator('#past .ProseMirror').allTextContents()).join('\n')

/** Answers as an endpoint that gives the newest key only: the first that is asked for after a reload. */
async function refuseOldKeys({ page }: DemoPage): Promise<void> {
  let newest: string | undefined
  await page.route(KEYS, (route) => {
    const hint = hintOf(route)
    newest ??= hint
    return hint === newest || hint === undefined ? route.continue() : refuse(route)
  })
}

const refuseNewKeys = ({ page }: DemoPage) =>
  page.route(KEYS, (route) => (hintOf(route) === undefined ? refuse(route) : route.continue()))

const KEYS = (url: URL) => url.pathname.startsWith('/keys')

function hintOf(route: Route): string | undefined {
  if (route.request().method() !== 'POST') return undefined
  const { keyHint } = route.request().postDataJSON() as { keyHint?: string | null } // our own client
  return keyHint ?? undefined
}

function refuse(route: Route): Promise<void> {
  if (route.request().method() === 'OPTIONS') return route.continue()
  const origin = route.request().headers().origin ?? ''
  return route.fulfill({ status: 403, json: {}, headers: { 'access-control-allow-origin': origin } })
}

function paragraph(text: Y.XmlText): Y.XmlElement {
  const made = new Y.XmlElement('paragraph')
  made.insert(0, [text])
  return made
}

function linked(text: string, href: string): Y.XmlText {
  const made = new Y.XmlText()
  made.insert(0, text, { link: { href, target: '_self', rel: 'opener', class: 'relay-panel' } })
  return made
}
