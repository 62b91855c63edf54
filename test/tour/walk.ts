import { strict as assert } from 'node:assert'
import type { Browser, Page } from 'playwright-core'
import { type DemoPage, openDemoPage, waitUntilOpen } from '../browser/demo-page.ts'
import type { Album } from './album.ts'
import { seaPicture } from './picture.ts'

export interface Visit {
  readonly browser: Browser
  readonly url: string
  readonly documentName: string
  readonly viewport: { readonly width: number; readonly height: number }
  readonly album: Album
  /** Told of each step that held. */
  step(what: string): void
}

/** From the sign-in to the break-it panel, as somebody would who thinks of buying. Throws where something is not as it should be. */
export async function walk({ browser, url, documentName, viewport, album, step }: Visit): Promise<void> {
  const size = { width: viewport.width, height: viewport.height }
  const visitor = await browser.newPage({ viewport: size })
  await visitor.goto(url)
  await visitor.waitForSelector('#sign-in[open]')
  await album.picture(visitor, 'sign-in')
  await visitor.close()

  const alice = await openDemoPage(browser, url, { name: 'Alice', documentName: 'welcome', viewport: size })
  const { page } = alice
  await shows(page, '.ProseMirror h1', 'A letter in a sealed envelope')
  await shows(page, '#encryption-state', 'End-to-end encrypted')
  await album.picture(page, 'welcome')
  step('sign in: the welcome document opens, end-to-end encrypted')

  await create(alice, album, documentName)
  step('create: a document of one’s own')
  await write(alice)
  await album.picture(page, 'formatted')
  step('write: headings, a list, a table, a picture, a link and code')

  const bob = await share(alice, album, browser, size)
  step('share: by the link, which holds no key, somebody else opens it')
  await typeTogether(alice, bob, album)
  step('type together: two people end with the same text, and see each other’s carets')
  await lookAtRelay(alice, album)
  step('the relay: what was typed stands above, and nowhere in what is stored')
  await goOffline(alice, bob, album)
  step('offline: what was written meanwhile arrives once')
  await lookBehindLock(alice, bob, album)
  step('the lock: both see the same fingerprint; the key is rotated')
  await breakIt(alice, album)
  step('break it: five lies of a relay, told of or without effect, and the text is whole')
  await travel(alice, bob, album)
  step('history: an earlier epoch is shown, restored for both, and taken back')
  await remove(alice, bob, album)
  step('remove: Bob is told, is sent nothing any more, and cannot come back; Alice goes on under a new key')

  assert.deepEqual(alice.complaints, [], 'the page complained')
  await alice.context.close()
  await bob.context.close()
}

async function create({ page }: DemoPage, album: Album, name: string): Promise<void> {
  await page.click('#documents-toggle')
  await shows(page, '#documents-list', 'welcome')
  await page.fill('#new-name', name)
  await album.picture(page, 'documents')
  await page.click('#new-document [type=submit]')
  await page.waitForURL(`**/#/${name}`)
  await shows(page, '#document-name', name)
  await waitUntilOpen(page)
}

async function write(alice: DemoPage): Promise<void> {
  const { page } = alice
  const tool = (label: string) => page.click(`#toolbar [aria-label="${label}"]`)
  const { keyboard } = page
  await alice.type('')
  await tool('H1 heading')
  await keyboard.type('A week by the sea')
  await keyboard.press('Enter')
  await keyboard.type(
    'All of this is read by the people in it, and by nobody else. The timetable is at https://example.org/ferries .',
  )
  await keyboard.press('Enter')
  await tool('Bullet list')
  await keyboard.type('tickets for the ferry')
  await keyboard.press('Enter')
  await keyboard.type('a house with a stove')
  await keyboard.press('Enter')
  await keyboard.press('Enter')
  await tool('Table')
  for (const cell of ['Day', 'Who cooks', 'What', 'Monday', 'Alice', 'soup']) {
    await keyboard.type(cell)
    await keyboard.press('Tab')
  }
  await tool('Add row')
  await alice.type('')
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), tool('Image')])
  await chooser.setFiles({ name: 'sea.png', mimeType: 'image/png', buffer: seaPicture() })
  await page.waitForSelector('.ProseMirror img[src^="data:image/"]')
  for (const wanted of ['h1', 'ul li', 'table th', 'table tr:nth-child(4)', 'a[href="https://example.org/ferries"]'])
    await page.waitForSelector(`.ProseMirror ${wanted}`)
  await stored(alice)
}

async function share(alice: DemoPage, album: Album, browser: Browser, viewport: { width: number; height: number }) {
  const { page } = alice
  await page.click('#share')
  await shows(page, '#share-people', 'Alice')
  const link = await page.inputValue('#share-link')
  assert.match(link, /#\/[\w-]+$/)
  const documentName = link.slice(link.indexOf('#/') + 2)
  const bob = await openDemoPage(browser, new URL(link).origin, { name: 'Bob', documentName, viewport })
  assert.equal(await bob.text(), await alice.text())
  await page.click('#share-close')
  await page.click('#share')
  await shows(page, '#share-people', 'Bob')
  await album.picture(page, 'share')
  await page.click('#share-close')
  return bob
}

async function typeTogether(alice: DemoPage, bob: DemoPage, album: Album): Promise<void> {
  await alice.type('Shall we take the early boat?')
  await shows(bob.page, '.ProseMirror', 'Shall we take the early boat?')
  await bob.type(' I bring the maps.')
  await shows(alice.page, '.ProseMirror', 'I bring the maps.')
  await alice.page.waitForSelector('.caret-name')
  await Promise.all([stored(alice), stored(bob)])
  assert.equal(await alice.text(), await bob.text())
  assert.equal(await bob.page.locator('.ProseMirror img[src^="data:image/"]').count(), 1)
  await album.picture(alice.page, 'together')
}

async function lookAtRelay(alice: DemoPage, album: Album): Promise<void> {
  const { page } = alice
  await panel(page, 'relay')
  await page.waitForSelector('#entries .entry .sealed')
  await shows(page, '#plaintext', 'early boat')
  const seen = (await page.textContent('#entries')) ?? ''
  await page.click('#relay-encoding')
  await shows(page, '#relay-encoding', 'base64')
  const asBase64 = (await page.textContent('#entries')) ?? ''
  for (const word of ['early boat', 'maps', 'ferry', 'Alice', 'Bob']) {
    const bytes = Buffer.from(word)
    assert.ok(!seen.includes(bytes.toString('hex').match(/../g)?.join(' ') ?? word), `${word} at the relay`)
    assert.ok(!asBase64.includes(bytes.toString('base64').slice(0, -2)) || word.length < 6, `${word} at the relay`)
  }
  await page.click('#relay-encoding')
  await album.picture(page, 'relay')
  await page.click('#relay-close')
}

async function goOffline(alice: DemoPage, bob: DemoPage, album: Album): Promise<void> {
  await alice.page.click('#offline-toggle')
  await shows(alice.page, '#connection-state', 'Working offline')
  await alice.type(' Written in the tunnel.')
  await shows(alice.page, '#storage-state', 'Kept on this device')
  await bob.type(' Meanwhile at home.')
  await stored(bob)
  assert.ok(!(await bob.text()).includes('tunnel'))
  await album.picture(alice.page, 'offline')
  await alice.page.click('#offline-toggle')
  await shows(bob.page, '.ProseMirror', 'Written in the tunnel.')
  await shows(alice.page, '.ProseMirror', 'Meanwhile at home.')
  await stored(alice)
  assert.equal((await bob.text()).split('Written in the tunnel.').length, 2)
}

async function lookBehindLock(alice: DemoPage, bob: DemoPage, album: Album): Promise<void> {
  const key = async ({ page }: DemoPage) => [
    await page.textContent('#epoch-index'),
    await page.textContent('#fingerprint'),
  ]
  await alice.page.click('#key-toggle')
  await alice.page.waitForSelector('#key-card:popover-open')
  assert.deepEqual(await key(alice), await key(bob))
  await album.picture(alice.page, 'lock')
  await alice.page.click('#rotate')
  await shows(alice.page, '#rotate-state', 'New key in use: epoch 1')
  await shows(bob.page, '#rotate-state', 'Somebody rotated the key.')
  assert.deepEqual(await key(alice), await key(bob))
  await alice.page.keyboard.press('Escape')
  await album.picture(alice.page, 'rotated')
  await alice.type(' Under the new key.')
  await shows(bob.page, '.ProseMirror', 'Under the new key.')
}

async function breakIt(alice: DemoPage, album: Album): Promise<void> {
  const { page } = alice
  await stored(alice)
  const before = await alice.text()
  await panel(page, 'break')
  for (const attack of ['alter', 'drop', 'replay', 'swap', 'rollback']) {
    await page.click(`#attack-${attack}`)
    await page.waitForSelector(`.attack:has(#attack-${attack}) .verdict .whole`, { timeout: 60_000 })
    await page.waitForSelector(`#attack-${attack}[aria-disabled=false]`)
    if (attack === 'alter') await album.picture(page, 'break-it')
  }
  await page.waitForFunction((text) => !document.querySelector('.ProseMirror')?.textContent?.includes(text), 'Robin')
  assert.equal(await alice.text(), before)
  await page.click('#break-close')
  for (const dismiss of await page.locator('.problem .button').all()) await dismiss.click()
}

async function travel(alice: DemoPage, bob: DemoPage, album: Album): Promise<void> {
  const { page } = alice
  await panel(page, 'history')
  await page.click('#epochs button:has-text("Epoch 0")')
  await shows(page, '#past .ProseMirror', 'Written in the tunnel.')
  assert.ok(!(await page.textContent('#past .ProseMirror'))?.includes('Under the new key.'))
  await album.picture(page, 'history')
  await page.click('#history-restore')
  await bob.page.waitForFunction(
    (text) => !document.querySelector('.ProseMirror')?.textContent?.includes(text),
    'Under the new key.',
  )
  await page.click('#history-close')
  await page.click('#toolbar [aria-label="Undo"]')
  await shows(bob.page, '.ProseMirror', 'Under the new key.')
}

async function remove(alice: DemoPage, bob: DemoPage, album: Album): Promise<void> {
  await stored(alice)
  await alice.page.click('#share')
  await alice.page.click('[aria-label="Remove Bob"]')
  await shows(bob.page, '#problems', 'You were removed from this document.')
  await shows(alice.page, '#share-state', 'Bob is out.')
  await album.picture(alice.page, 'removed-by-owner')
  await album.picture(bob.page, 'removed')
  assert.equal(await alice.page.textContent('#epoch-index'), '2')
  await alice.page.click('#share-close')
  await alice.type(' Not for Bob.')
  await stored(alice)
  assert.ok(!(await bob.text()).includes('Not for Bob.'))
  await bob.page.reload()
  await shows(bob.page, '#refused', 'You were removed from it.')
  await album.picture(bob.page, 'refused')
}

async function panel(page: Page, name: 'relay' | 'break' | 'history'): Promise<void> {
  if (!(await page.isVisible(`#${name}-panel`))) await page.click(`#${name}-toggle`)
  await page.waitForSelector(`#${name}-panel:not([hidden])`)
}

/** Waits until an element that is there has this text in it. */
async function shows(page: Page, selector: string, text: string): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor({ state: 'attached' })
}

async function stored({ page }: DemoPage): Promise<void> {
  await shows(page, '#storage-state', 'All changes stored')
}
