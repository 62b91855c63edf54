import type { Browser, Page } from 'playwright-core'
import { collectComplaints } from './demo-page.ts'
import type { EditorCase } from './editor-cases.ts'
import { type CaretPlace, type EditorProbe, installProbe } from './editor-probe.ts'

// Two pages and four processes share two cores.
const PATIENCE_MS = 15_000
const ATTEMPTS = 3

declare const probe: EditorProbe

/** One person at one of the demo's editors. */
export class EditorPage {
  readonly page: Page
  /** Console errors, uncaught exceptions, violations of the content security policy, dialogs. */
  readonly complaints: string[]
  readonly #editor: EditorCase

  private constructor(page: Page, editor: EditorCase) {
    this.page = page
    this.#editor = editor
    this.complaints = collectComplaints(page)
  }

  static async open(browser: Browser, url: string, editor: EditorCase, name: string): Promise<EditorPage> {
    const context = await browser.newContext({ viewport: { width: 900, height: 600 } })
    context.setDefaultTimeout(PATIENCE_MS)
    const page = await context.newPage()
    await page.addInitScript(installProbe, editor)
    const person = new EditorPage(page, editor)
    await page.goto(`${url}/editors/${editor.name}/?as=${name}#/two-in-${editor.name}`)
    await person.#untilOpen()
    return person
  }

  /** What is written, line by line, without the others' carets. */
  text(): Promise<string> {
    return this.page.evaluate(() => probe.text())
  }

  /** Resolves once the text matches. */
  async untilText(pattern: RegExp): Promise<void> {
    const { source, flags } = pattern
    const matched = this.page.waitForFunction((regExp) => new RegExp(...regExp).test(probe.text()), [
      source,
      flags,
    ] as const)
    await matched.catch(async () => {
      throw new Error(`waited for ${pattern}; there is ${JSON.stringify(await this.text())}`)
    })
  }

  /** Resolves once the bar above the editor says so. */
  async untilState(words: string): Promise<void> {
    const said = this.page.waitForFunction(
      (expected) => document.getElementById('state')?.textContent?.includes(expected),
      words,
    )
    await said.catch(async () => {
      throw new Error(`waited for “${words}”; the bar says “${await this.page.textContent('#state')}”`)
    })
  }

  /** Resolves once the other's caret, under that name, stands there. */
  async untilCaret(place: CaretPlace, timeout = PATIENCE_MS): Promise<void> {
    const stood = this.page.waitForFunction((where) => probe.caretStands(where), place, { timeout })
    await stood.catch(async () => {
      const { name, side, words } = place
      throw new Error(`waited for ${name}’s caret ${side} “${words}” in ${JSON.stringify(await this.text())}`)
    })
  }

  sees(place: CaretPlace): Promise<boolean> {
    return this.page.evaluate((where) => probe.caretStands(where), place)
  }

  /**
   * By this key, until the other sees it. An editor takes up where the browser has put the caret a moment later, and not at all if something comes in
   * between; then the key is pressed again, as a person would.
   */
  async goTo(key: string, other: EditorPage, place: CaretPlace): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      await this.press(key)
      try {
        return await other.untilCaret(place, PATIENCE_MS / ATTEMPTS)
      } catch (error) {
        if (attempt === ATTEMPTS) throw error
      }
    }
  }

  /** Types where the caret is. */
  type(text: string): Promise<void> {
    return this.page.keyboard.type(text)
  }

  async press(...keys: string[]): Promise<void> {
    for (const key of keys) await this.page.keyboard.press(key)
  }

  async reload(): Promise<void> {
    await this.page.reload()
    await this.#untilOpen()
  }

  async #untilOpen(): Promise<void> {
    await this.untilState('connected, all stored')
    await this.page.focus(this.#editor.input)
  }
}
