import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchBrowser, skipBrowserTests } from './browser.ts'
import { EDITORS } from './editor-cases.ts'
import { EditorPage } from './editor-page.ts'
import { type RunningDemo, startDemo } from './running-demo.ts'

// Other tests that run at the same time take other ports.
const PORT_OFFSET = 12_000

// Each story waits several times.
const SLOW = { timeout: 60_000 }

describe.skipIf(skipBrowserTests)('every editor, with two people', SLOW, () => {
  let demo: RunningDemo
  let browser: Browser

  beforeAll(async () => {
    ;[demo, browser] = await Promise.all([startDemo(PORT_OFFSET), launchBrowser()])
  })
  afterAll(async () => {
    await browser?.close()
    await demo?.dispose()
  })

  describe.each(EDITORS)('$name', (editor) => {
    let alice: EditorPage
    let bob: EditorPage
    const both = (pattern: RegExp) => Promise.all([alice.untilText(pattern), bob.untilText(pattern)])

    beforeAll(async () => {
      ;[alice, bob] = await Promise.all([
        EditorPage.open(browser, demo.url, editor, 'Alice'),
        EditorPage.open(browser, demo.url, editor, 'Bob'),
      ])
    })
    afterAll(async () => {
      for (const { page, complaints } of [alice, bob]) {
        await page.context().close()
        expect(complaints).toEqual([])
      }
    })

    const bobGoesToTheStart = async () => {
      const [words = ''] = (await bob.text()).split(' ')
      await bob.goTo('Control+Home', alice, { name: 'Bob', side: 'before', words })
    }
    /** Resolves once she sees them, and that he stands behind them. */
    const bobTypes = async (words: string) => {
      const [next = ''] = (await bob.text()).split(' ')
      await bob.type(words)
      await alice.untilText(new RegExp(`^${words}`))
      await alice.untilCaret({ name: 'Bob', side: 'before', words: next })
    }
    const aliceGoesToTheEnd = async () => {
      const place = { name: 'Alice', side: 'behind', words: (await alice.text()).split(/\s/).at(-1) ?? '' } as const
      // Where she is at the end, as in BlockNote, the key can lead further, below the text.
      if (!(await bob.sees(place))) await alice.goTo('Control+End', bob, place)
    }

    it('text goes both ways, and each sees where the other is', async () => {
      await alice.type('Alice was here.')
      await both(/^Alice was here\.$/)
      await bobGoesToTheStart()
      await bobTypes('Bob is here. ')
      await both(/^Bob is here\. Alice was here\.$/)
      await bob.untilCaret({ name: 'Alice', side: 'behind', words: 'here.' })
      await alice.press('Home', ...Array<string>(4).fill('ArrowRight'))
      await bob.untilCaret({ name: 'Alice', side: 'before', words: 'is here' })
      await aliceGoesToTheEnd()
    })

    it.runIf(editor.bold)('a format arrives', async () => {
      await alice.press('Enter', 'Control+b')
      await alice.type('loud')
      await alice.press('Control+b')
      await bob.page.waitForSelector(`${editor.text} ${editor.bold}:text("loud")`)
    })

    it('a reload keeps it all, and one goes on typing', async () => {
      const before = await bob.text()
      await alice.untilState('all stored')
      await alice.reload()
      expect(await alice.text()).toBe(before)
      await aliceGoesToTheEnd()
      await alice.type(' again')
      await both(/ again$/)
    })

    it('undo takes back one’s own edits only', async () => {
      await bobGoesToTheStart()
      await alice.press('Enter')
      await alice.type('mine')
      await bob.untilText(/\nmine$/)
      await bobTypes('yours ')
      await both(/^yours .*\nmine$/s)
      await alice.press('Control+z')
      await both(/^yours (?!.*mine)/s)
      await alice.press(editor.redo ?? 'Control+y')
      await both(/^yours .*mine$/s)
    })

    it('what is written offline arrives exactly once', async () => {
      await bobGoesToTheStart()
      await aliceGoesToTheEnd()
      await alice.page.click('#offline')
      await alice.untilState('offline')
      await alice.type(' underground')
      await bob.type('overground ')
      await bob.untilState('all stored')
      expect(await bob.text()).not.toContain('underground')
      await alice.page.click('#offline')
      await alice.untilCaret({ name: 'Bob', side: 'before', words: 'yours' })
      await both(/^overground (?=.* underground$)(?!.*overground)(?!.*underground.*underground)/s)
      expect(await alice.text()).toBe(await bob.text())
    })

    it('the key is rotated in mid-typing, and no letter is lost', async () => {
      const words = ' one two three four five six seven eight nine ten'
      await aliceGoesToTheEnd()
      await Promise.all([alice.type(words), bob.page.click('#rotate')])
      await Promise.all([alice.untilState('epoch 1'), bob.untilState('epoch 1')])
      await both(new RegExp(`${words}$`))
      await bobGoesToTheStart()
      await bobTypes('anew ')
    })

    it('a composition outlives others’ edits and a rotation', async () => {
      await bobGoesToTheStart()
      const cdp = await alice.page.context().newCDPSession(alice.page)
      const compose = (text: string) =>
        cdp.send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length })
      await alice.press('Enter')
      await alice.type('kana:')
      await both(/\nkana:$/)
      await compose('に')
      await compose('にほ')
      await bobTypes('meanwhile ')
      await compose('にほん')
      await bob.page.click('#rotate')
      await Promise.all([alice.untilState('epoch 2'), bob.untilState('epoch 2')])
      await cdp.send('Input.insertText', { text: '日本' })
      await both(/^meanwhile [^にほん]*\nkana:日本$/s)
      await cdp.detach()
    })

    it('text from right to left arrives in order, and a caret in it stands at the right letter', async () => {
      await alice.press('Enter')
      await alice.type('עולם')
      await both(/\nעולם$/)
      await alice.press('Home')
      await alice.type('שלום ')
      await both(/\nשלום עולם$/)
      await bob.untilCaret({ name: 'Alice', side: 'before', words: 'עולם' })
    })
  })
})
