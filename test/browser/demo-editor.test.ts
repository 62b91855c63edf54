import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { CanarySearch, describeFindings } from '../support/canary.ts'
import { launchBrowser, skipBrowserTests } from './browser.ts'
import { readBrowserStorage } from './browser-storage.ts'
import { closePages } from './close-pages.ts'
import { openDemoPage, waitUntilOpen } from './demo-page.ts'
import {
  HOSTILE_ADDRESSES,
  HOSTILE_ATTRIBUTES,
  HOSTILE_COLOURS,
  HOSTILE_PICTURES,
  HOSTILE_TEXTS,
  joinAsHostileMember,
  MANY_COLUMNS,
} from './hostile-member.ts'
import { type RunningDemo, startDemo } from './running-demo.ts'

// Other tests that run at the same time take other ports.
const PORT_OFFSET = 10_000
// Two browsers and four processes share two cores.
const PATIENCE = { timeout: 20_000, interval: 50 }

// Each story waits several times.
const SLOW = { timeout: 90_000 }

const ALICE = 'Alice Canary-Vogelsang'
const BOB = 'Bob Canary-Kanarienvogel'

describe.skipIf(skipBrowserTests)('the demo editor, in real browsers against real processes', SLOW, () => {
  let demo: RunningDemo
  let browsers: Browser[]
  const open = (browser: number, name: string, documentName: string) =>
    openDemoPage(browsers[browser]!, demo.url, { name, documentName })

  beforeAll(async () => {
    demo = await startDemo(PORT_OFFSET)
    browsers = await Promise.all([launchBrowser(), launchBrowser()])
  })
  afterAll(async () => {
    await Promise.all((browsers ?? []).map((browser) => browser.close()))
    await demo?.dispose()
  })

  it('two people type at once in two browsers and end with the same text', async () => {
    const [alice, bob] = await Promise.all([open(0, ALICE, 'together'), open(1, BOB, 'together')])
    // Where two begin at one place, the words of one may stand between the letters of the other: she writes before a word, he behind it.
    await alice.type('and ')
    await expect.poll(() => bob.text(), PATIENCE).toContain('and ')
    await alice.page.keyboard.press('Control+Home')
    await Promise.all([
      alice.page.keyboard.type('Alice writes about the harvest. '),
      bob.type('Bob answers with the price of seed. '),
    ])
    await expect.poll(() => bob.text(), PATIENCE).toContain('Alice writes about the harvest.')
    await expect.poll(() => alice.text(), PATIENCE).toContain('Bob answers with the price of seed.')
    await expect.poll(async () => (await alice.text()) === (await bob.text()), PATIENCE).toBe(true)
    await expect.poll(() => alice.state('storage'), PATIENCE).toBe('All changes stored')
    expect(await alice.state('encryption')).toBe('End-to-end encrypted')
    expect(await alice.state('connection')).toBe('Connected')
    await closePages(alice, bob)
  })

  it('each sees the other’s caret under the other’s name, and both see the same key fingerprint', async () => {
    const [alice, bob] = await Promise.all([open(0, ALICE, 'carets'), open(1, BOB, 'carets')])
    await alice.type('Where are you?')
    await bob.type(' Here.')
    await expect.poll(() => bob.page.locator('.caret-name').allTextContents(), PATIENCE).toEqual([ALICE])
    await alice.type('!')
    await expect.poll(() => alice.page.locator('.caret-name').allTextContents(), PATIENCE).toEqual([BOB])
    expect(await alice.page.locator('.caret').first().isVisible()).toBe(true)
    expect(await alice.page.locator('#people .face').count()).toBe(2)
    const fingerprint = await alice.page.textContent('#fingerprint')
    expect(fingerprint).not.toBe('')
    expect(await bob.page.textContent('#fingerprint')).toBe(fingerprint)

    await bob.context.close()
    await expect.poll(() => alice.page.locator('.caret').count(), PATIENCE).toBe(0)
    await closePages(alice)
  })

  it('the toolbar formats, and the format arrives', async () => {
    const [alice, bob] = await Promise.all([open(0, ALICE, 'formats'), open(1, BOB, 'formats')])
    const press = (label: string) => alice.page.click(`#toolbar [aria-label="${label}"]`)
    await press('H1 heading')
    await alice.page.keyboard.type('Minutes')
    await alice.page.keyboard.press('Enter')
    await press('Bold')
    await alice.page.keyboard.type('decided')
    await press('Bold')
    await alice.page.keyboard.press('Enter')
    await press('Bullet list')
    await alice.page.keyboard.type('first item')
    await alice.page.keyboard.press('Enter')
    await alice.page.keyboard.press('Enter')
    await press('Quote')
    await alice.page.keyboard.type('as was said')
    for (const wanted of [
      'h1:text("Minutes")',
      'strong:text("decided")',
      'ul li:has-text("first item")',
      'blockquote',
    ]) {
      await bob.page.waitForSelector(`.ProseMirror ${wanted}`)
    }
    expect(await alice.page.getAttribute('#toolbar [aria-label="Quote"]', 'aria-pressed')).toBe('true')
    await press('Undo')
    await expect.poll(() => bob.text(), PATIENCE).not.toContain('as was said')
    await press('Redo')
    await expect.poll(() => bob.text(), PATIENCE).toContain('as was said')
    await closePages(alice, bob)
  })

  it('a reload keeps the text and the person; the welcome text is there exactly once for two who open it at once', async () => {
    const [alice, bob] = await Promise.all([open(0, ALICE, 'welcome'), open(1, BOB, 'welcome')])
    await expect.poll(() => alice.text(), PATIENCE).toContain('A letter in a sealed envelope')
    await alice.type(' And a line of mine.')
    await expect.poll(() => alice.state('storage'), PATIENCE).toBe('All changes stored')
    await alice.page.reload()
    await waitUntilOpen(alice.page)
    await expect.poll(() => alice.text(), PATIENCE).toContain('And a line of mine.')
    expect((await alice.text()).split('A letter in a sealed envelope')).toHaveLength(2)
    await expect.poll(() => bob.text(), PATIENCE).toBe(await alice.text())
    expect(await alice.page.locator('#people .face').first().getAttribute('title')).toBe(`${ALICE} (you)`)
    await closePages(alice, bob)
  })

  it('what is written offline arrives exactly once when its writer is back', async () => {
    const [alice, bob] = await Promise.all([open(0, ALICE, 'away'), open(1, BOB, 'away')])
    await alice.type('Before. ')
    await expect.poll(() => bob.text(), PATIENCE).toContain('Before.')

    await alice.page.click('#offline-toggle')
    await expect.poll(() => alice.state('connection'), PATIENCE).toBe('Working offline')
    await alice.type('On the train. ')
    await expect.poll(() => alice.state('storage'), PATIENCE).toBe('Kept on this device')
    await bob.type('Meanwhile at home. ')
    await expect.poll(() => bob.state('storage'), PATIENCE).toBe('All changes stored')
    expect(await bob.text()).not.toContain('On the train.')

    await alice.page.click('#offline-toggle')
    await expect.poll(() => bob.text(), PATIENCE).toContain('On the train.')
    await expect.poll(() => alice.text(), PATIENCE).toBe(await bob.text())
    expect((await alice.text()).split('On the train.')).toHaveLength(2)
    expect((await alice.text()).split('Meanwhile at home.')).toHaveLength(2)
    await closePages(alice, bob)
  })

  it('while the network is silent nothing is called stored; when it speaks again the text arrives exactly once', async () => {
    const [alice, bob] = await Promise.all([open(0, ALICE, 'silent'), open(1, BOB, 'silent')])
    await alice.type('Before. ')
    await expect.poll(() => alice.state('storage'), PATIENCE).toBe('All changes stored')
    await alice.context.setOffline(true)
    await alice.type('In the tunnel. ')
    await bob.type('Still here. ')
    await expect.poll(() => bob.state('storage'), PATIENCE).toBe('All changes stored')
    expect(await alice.state('storage')).not.toBe('All changes stored')
    expect(await bob.text()).not.toContain('In the tunnel.')

    await alice.context.setOffline(false)
    await expect.poll(() => bob.text(), PATIENCE).toContain('In the tunnel.')
    await expect.poll(() => alice.text(), PATIENCE).toBe(await bob.text())
    await expect.poll(() => alice.state('storage'), PATIENCE).toBe('All changes stored')
    expect((await bob.text()).split('In the tunnel.')).toHaveLength(2)
    // The browser's own words about the network.
    expect(alice.complaints.filter((complaint) => !complaint.includes('net::ERR_'))).toEqual([])
    await alice.context.close()
    await closePages(bob)
  })

  it('two tabs of one browser hear each other without the network, sealed; a closed tab’s text is sent by the other', async () => {
    const [first, bob] = await Promise.all([open(0, ALICE, 'tabs'), open(1, BOB, 'tabs')])
    const second = await openDemoPage(browsers[0]!, demo.url, {
      name: ALICE,
      documentName: 'tabs',
      context: first.context,
    })
    const [relayUrl] = /ws:\S+/.exec(readFileSync(join(demo.data, 'logs/relay.log'), 'utf8')) ?? []
    const overheard = await second.page.evaluateHandle((name) => {
      const messages: number[][] = []
      new BroadcastChannel(name).onmessage = ({ data }) => messages.push([...(data as Uint8Array)])
      return messages
    }, `y-sealed ${relayUrl} tabs`)

    await first.context.setOffline(true)
    const canary = 'CANARY-kingfisher-under-the-bridge-4410'
    await first.type(canary)
    await expect.poll(() => second.text(), PATIENCE).toContain(canary)
    expect(await bob.text()).not.toContain(canary)
    const frames = (await overheard.jsonValue()).map((message) => ({
      direction: 'cross-tab',
      bytes: Uint8Array.from(message),
    }))
    expect(frames.length).toBeGreaterThan(0)
    const search = new CanarySearch()
    search.add(canary)
    expect(search.inFrames(frames)).toEqual([])

    await first.page.close()
    await second.context.setOffline(false)
    await expect.poll(() => bob.text(), PATIENCE).toContain(canary)
    expect((await bob.text()).split(canary)).toHaveLength(2)
    await second.context.close()
    await closePages(bob)
  })

  it('the panel shows the stored ciphertext live: header readable, canary nowhere, in the browser’s storage neither', async () => {
    const alice = await open(0, ALICE, 'observed')
    const canary = 'CANARY-osprey-over-the-weir-7731'
    await alice.type(`${canary} and more. `)
    await expect.poll(() => alice.state('storage'), PATIENCE).toBe('All changes stored')
    const count = async () => Number(await alice.page.textContent('#relay-count'))
    await expect.poll(count, PATIENCE).toBeGreaterThan(0)
    const before = await count()
    await alice.type('Live?')
    await expect.poll(count, PATIENCE).toBeGreaterThan(before)

    const entry = alice.page.locator('#entries .entry:has(.kind:text-is("update"))').first()
    expect(await entry.locator('.sequence').textContent()).toMatch(/^#\d+$/)
    // Version 1, kind 1 (update): what anybody may read.
    expect(await entry.locator('.bytes .readable').textContent()).toMatch(/^11( [0-9a-f]{2}){18,}$/)
    expect(await entry.locator('.bytes .sealed').textContent()).toMatch(/^[0-9a-f]{2}( [0-9a-f]{2}){60,}$/)

    // The one place of the panel where it stands as its writer sees it.
    expect(await alice.page.textContent('#plaintext')).toContain(canary)
    const search = new CanarySearch([canary, ALICE])
    const shown = (await alice.page.textContent('#entries')) ?? ''
    expect(describeFindings(search.in(shown.replaceAll(' ', ''), 'the panel, as hex'))).toBe('')
    await alice.page.click('#relay-encoding')
    const asBase64 = (await alice.page.textContent('#entries')) ?? ''
    expect(describeFindings(search.in(asBase64, 'the panel, as base64'))).toBe('')
    expect(describeFindings(search.in(await readBrowserStorage(alice.page), 'browser storage'))).toBe('')
    await closePages(alice)
  })

  it('the relay’s folder and every log hold neither text nor name', async () => {
    const canary = 'CANARY-heron-under-the-mill-2290'
    const [alice, bob] = await Promise.all([open(0, ALICE, 'stored'), open(1, BOB, 'stored')])
    await alice.type(canary)
    await expect.poll(() => bob.text(), PATIENCE).toContain(canary)
    const search = new CanarySearch([canary, ALICE, BOB])
    const findings = [...search.inDirectory(join(demo.data, 'relay')), ...search.inDirectory(join(demo.data, 'logs'))]
    expect(describeFindings(findings)).toBe('')
    expect(describeFindings(search.in(demo.output, 'the output of npm start'))).toBe('')
    await closePages(alice, bob)
  })

  it(`D12: a hostile member’s ${HOSTILE_TEXTS.length + HOSTILE_ADDRESSES.length + HOSTILE_COLOURS.length + HOSTILE_PICTURES.length + HOSTILE_ATTRIBUTES.length} texts, links, names, colours, pictures and attributes run nothing and load nothing`, async () => {
    const alice = await open(0, ALICE, 'hostile')
    await alice.type('Hello. ')
    await expect.poll(() => alice.state('storage'), PATIENCE).toBe('All changes stored')
    const mallory = await joinAsHostileMember(demo.url, 'hostile')
    const fragment = mallory.doc.getXmlFragment('text')
    const requests: string[] = []
    alice.page.on('request', (request) => requests.push(request.url()))
    mallory.doc.transact(() => {
      for (const src of HOSTILE_PICTURES) fragment.push([node('image', { src, alt: `picture ${src}`, onerror: src })])
      for (const [name, attributes] of HOSTILE_ATTRIBUTES) fragment.push([node(name, attributes, contentFor(name))])
      const wide = { colspan: MANY_COLUMNS, rowspan: MANY_COLUMNS, colwidth: [MANY_COLUMNS] }
      const cell = node('tableCell', wide, paragraph(new Y.XmlText('a wide cell')))
      fragment.push([node('table', {}, node('tableRow', {}, cell))])
      for (const text of HOSTILE_TEXTS) fragment.push([paragraph(new Y.XmlText(text))])
      for (const href of HOSTILE_ADDRESSES) fragment.push([paragraph(linked(`link to ${href}`, href))])
    })
    for (const [index, color] of HOSTILE_COLOURS.entries()) {
      // A caret is drawn once; it has to go before it comes under another name.
      mallory.provider.awareness.setLocalState(null)
      await expect.poll(() => alice.page.locator('.caret').count(), PATIENCE).toBe(0)
      // The whole text selected: caret and selection are both drawn.
      const cursor = { anchor: positionAt(fragment, 0), head: positionAt(fragment, fragment.length) }
      mallory.provider.awareness.setLocalState({ user: { name: HOSTILE_TEXTS[index], color }, cursor })
      await expect
        .poll(() => alice.page.locator('.caret-name').allTextContents(), PATIENCE)
        .toEqual([[...(HOSTILE_TEXTS[index] ?? '')].slice(0, 40).join('')])
      const style = (await alice.page.locator('.caret').first().getAttribute('style')) ?? ''
      expect(style).toMatch(/^--caret: #[0-9a-f]{6};$/)
    }
    await expect.poll(() => alice.text(), PATIENCE).toContain('link to file:///etc/passwd')
    for (const text of HOSTILE_TEXTS) expect(await alice.text()).toContain(text)
    expect(await alice.page.locator('.ProseMirror a[href]').count()).toBe(0)
    expect(await alice.page.locator('.ProseMirror img:not(.ProseMirror-separator)').count()).toBe(0)
    expect(await alice.page.locator('.ProseMirror td').count()).toBe(1)
    expect(await alice.page.locator('.ProseMirror td').getAttribute('colspan')).toBeNull()
    expect(requests.filter((url) => !/^http:\/\/127\.0\.0\.1:/.test(url))).toEqual([])
    expect(await alice.page.evaluate('window.pwned')).toBeUndefined()
    const harmful = ':is(script, iframe, style, base, svg, [onerror], [onload], [onclick], [onfocus], [style])'
    const found = await alice.page.locator(`.ProseMirror ${harmful}:not(.caret, .caret-selection)`).all()
    expect(await Promise.all(found.map((each) => each.evaluate(({ outerHTML }) => outerHTML)))).toEqual([])
    mallory.provider.destroy()
    // The editor binding says in the console which colours it does not know.
    expect(alice.complaints.filter((complaint) => !complaint.includes('unsupported color format'))).toEqual([])
    await alice.context.close()
  })

  it('pasted web pages lose scripts, styles and handlers; a good address becomes a link that leaks nothing', async () => {
    const alice = await open(0, ALICE, 'pasted')
    await alice.page.evaluate(() => {
      const clipboard = new DataTransfer()
      clipboard.setData(
        'text/html',
        '<p style="color:red" onclick="window.pwned=1">kept <b>bold</b><script>window.pwned=1</script>' +
          '<img src="https://attacker.invalid/pixel" onerror="window.pwned=1">' +
          '<code>&lt;p style="literal"&gt;</code>' +
          '<a href="javascript:window.pwned=1">bad</a> <a href="https://example.org/a" rel="opener" target="_self">good</a></p>',
      )
      const paste = new ClipboardEvent('paste', { clipboardData: clipboard, bubbles: true, cancelable: true })
      document.querySelector('.ProseMirror')?.dispatchEvent(paste)
    })
    await expect.poll(() => alice.text(), PATIENCE).toContain('kept bold')
    expect(await alice.text()).toContain('<p style="literal">')
    const links = alice.page.locator('.ProseMirror a[href]')
    expect(await links.count()).toBe(1)
    expect(await links.getAttribute('href')).toBe('https://example.org/a')
    expect(await links.getAttribute('rel')).toBe('noopener noreferrer nofollow')
    expect(await links.getAttribute('target')).toBe('_blank')
    expect(
      await alice.page.locator('.ProseMirror :is(script, img:not(.ProseMirror-separator), [style], [onclick])').count(),
    ).toBe(0)
    expect(await alice.page.evaluate('window.pwned')).toBeUndefined()
    await closePages(alice)
  })

  it('the share link opens the same document for somebody else; the document’s name stands behind the #', async () => {
    const alice = await open(0, ALICE, 'shared-plans')
    await alice.type('For both of us.')
    await alice.context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: demo.url })
    await alice.page.click('#share')
    await alice.page.click('#share-copy')
    await expect.poll(() => alice.page.textContent('#share-copy')).toBe('Link copied')
    const link = await alice.page.evaluate(() => navigator.clipboard.readText())
    expect(link).toBe(`${demo.url}/#/shared-plans`)

    const context = await browsers[1]!.newContext()
    const page = await context.newPage()
    await page.goto(link)
    await page.click('text=Bob')
    await expect.poll(() => page.textContent('.ProseMirror'), PATIENCE).toContain('For both of us.')
    await context.close()
    await closePages(alice)
  })

  it('documents, keys and sign-ins survive Ctrl-C and a second npm start', async () => {
    const alice = await open(0, ALICE, 'kept')
    await alice.type('Still here tomorrow.')
    await expect.poll(() => alice.state('storage'), PATIENCE).toBe('All changes stored')
    const secret = readFileSync(join(demo.data, 'secrets/relay-tokens'), 'utf8')
    alice.complaints.length = 0
    await demo.restart()
    expect(readFileSync(join(demo.data, 'secrets/relay-tokens'), 'utf8')).toBe(secret)
    // While the servers were away the browser says so in its console; the page goes on by itself.
    await expect.poll(() => alice.state('connection'), PATIENCE).toBe('Connected')
    await alice.type(' And tomorrow too.')
    await expect.poll(() => alice.state('storage'), PATIENCE).toBe('All changes stored')
    const bob = await open(1, BOB, 'kept')
    await expect.poll(() => bob.text(), PATIENCE).toContain('Still here tomorrow. And tomorrow too.')
    expect(alice.complaints.filter((complaint) => !complaint.includes('ERR_CONNECTION_REFUSED'))).toEqual([])
    await alice.context.close()
    await closePages(bob)
  })

  it('fits a phone: nothing is wider than 360 px, the relay’s view opens over the text and closes again', async () => {
    const alice = await openDemoPage(browsers[0]!, demo.url, {
      name: ALICE,
      documentName: 'welcome',
      viewport: { width: 360, height: 740 },
      colorScheme: 'dark',
    })
    const widest = () =>
      alice.page.evaluate(() =>
        Math.max(...[...document.querySelectorAll('html, .desk')].map((part) => part.scrollWidth)),
      )
    expect(await widest()).toBe(360)
    expect(await alice.page.isVisible('#relay-panel')).toBe(false)
    await alice.page.click('#relay-toggle')
    await alice.page.waitForSelector('#entries .entry')
    expect(await widest()).toBe(360)
    await alice.page.click('#relay-close')
    expect(await alice.page.isVisible('#relay-panel')).toBe(false)
    await closePages(alice)
  })
})

function paragraph(text: Y.XmlText): Y.XmlElement {
  const made = new Y.XmlElement('paragraph')
  made.insert(0, [text])
  return made
}

function node(name: string, attributes: Record<string, unknown>, ...children: Y.XmlElement[]): Y.XmlElement {
  const made = new Y.XmlElement(name)
  // Yjs carries any JSON, whatever its types say.
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value as string)
  made.insert(0, children)
  return made
}

/** What the schema wants inside, so that the node is not dropped for want of it. */
function contentFor(name: string): Y.XmlElement {
  if (name !== 'orderedList') return new Y.XmlText(`a ${name}`) as unknown as Y.XmlElement // text is a child, too
  return node('listItem', {}, paragraph(new Y.XmlText('an item')))
}

function linked(text: string, href: string): Y.XmlText {
  const made = new Y.XmlText()
  made.insert(0, text, { link: { href, target: '_self', rel: 'opener', class: 'relay-panel' } })
  return made
}

function positionAt(fragment: Y.XmlFragment, index: number): unknown {
  return JSON.parse(JSON.stringify(Y.createRelativePositionFromTypeIndex(fragment, index)))
}
