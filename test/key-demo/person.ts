import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { DemoPage } from './page.ts'

/** What the page has put on its window. */
interface DemoWindow {
  readonly demo: DemoPage
}

export interface Place {
  readonly app: string
  readonly relay: string
  readonly room: string
}

/** Somebody at a browser of their own, who has logged in to the app. */
export class Person {
  readonly name: string
  /** Every word that was typed, in order. */
  readonly words: string[] = []
  readonly #page: Page
  readonly #context: BrowserContext

  constructor(name: string, page: Page, context: BrowserContext) {
    this.name = name
    this.#page = page
    this.#context = context
  }

  /** `later`: the page is there, and joins when it is told to. */
  static async comes(browser: Browser, name: string, password: string, place: Place, later = false): Promise<Person> {
    const context = await browser.newContext()
    const page = await context.newPage()
    const person = new Person(name, page, context)
    await page.goto(place.app)
    if ((await person.post('/login', { name, password })) !== 204) throw new Error(`${name} cannot log in`)
    const query = new URLSearchParams({ relay: place.relay, room: place.room, name })
    await page.goto(`${place.app}/?${query}${later ? '#later' : ''}`)
    return person
  }

  /** As the app's own page does it: with the cookie, from its origin. Resolves with the status. */
  async post(path: string, body: object): Promise<number> {
    return (await this.#ask(path, body)).status
  }

  async postForJson(path: string, body: object): Promise<unknown> {
    const { status, text } = await this.#ask(path, body)
    if (status !== 200) throw new Error(`${path} answers ${status}`)
    return JSON.parse(text)
  }

  #ask(path: string, body: object): Promise<{ status: number; text: string }> {
    return this.#page.evaluate(
      async ([to, json]) => {
        const headers = { 'content-type': 'application/json' }
        const answer = await fetch(to, { method: 'POST', headers, body: json })
        return { status: answer.status, text: await answer.text() }
      },
      [path, JSON.stringify(body)] as const,
    )
  }

  /** Presses the keys of so many words. */
  async types(count: number): Promise<void> {
    const field = this.#page.locator('textarea')
    await field.focus()
    for (let typed = 0; typed < count; typed++) {
      const word = `${this.name}${this.words.length}`
      await this.#page.keyboard.type(`${word} `)
      this.words.push(word)
    }
  }

  /** Types until it is told to stop. */
  keepsTyping(): { stop(): Promise<void> } {
    let stopped = false
    const typing = (async () => {
      while (!stopped) await this.types(1)
    })()
    return {
      async stop() {
        stopped = true
        await typing
      },
    }
  }

  /** Resolves once this holds in the page; it is looked at with each frame. */
  async until(
    what: string,
    holds: (demo: DemoPage, argument: string) => boolean,
    argument = '',
    patienceMs = 90_000,
  ): Promise<void> {
    const source = `(${holds.toString()})(demo, ${JSON.stringify(argument)})`
    try {
      await this.#page.waitForFunction(source, undefined, { timeout: patienceMs })
    } catch {
      const { problems, status } = await this.state()
      throw new Error(`${this.name} waited in vain for ${what}; ${status}, problems: ${problems.join(', ') || 'none'}`)
    }
  }

  untilReads(writer: Person): Promise<void> {
    const last = writer.words.at(-1) ?? ''
    return this.until(
      `the last word of ${writer.name}`,
      (demo, argument) => {
        const [name = '', word = ''] = argument.split(' ')
        return demo.doc.getText(name).toString().includes(`${word} `)
      },
      `${writer.name} ${last}`,
    )
  }

  flush(): Promise<void> {
    return this.#page.evaluate(() => (globalThis as unknown as DemoWindow).demo.provider.flush())
  }

  rotateKey(): Promise<void> {
    return this.#page.evaluate(async () => {
      await (globalThis as unknown as DemoWindow).demo.provider.rotateKey()
    })
  }

  connect(): Promise<void> {
    return this.#page.evaluate(() => (globalThis as unknown as DemoWindow).demo.provider.connect())
  }

  /** Opens an epoch that is over: the words in it, or the code of what prevents it. */
  openEpoch(index: number): Promise<number | string> {
    return this.#page.evaluate(async (epoch) => {
      const { provider } = (globalThis as unknown as DemoWindow).demo
      try {
        const past = await provider.openEpoch(epoch)
        let words = 0
        for (const key of past.share.keys()) words += past.getText(key).toString().split(' ').length - 1
        return words
      } catch (error) {
        return (error as { code?: string }).code ?? String(error)
      }
    }, index)
  }

  /** How many of this writer's words are in this page. */
  async reads(writer: Person): Promise<number> {
    const text = await this.#page.evaluate(
      (name) => (globalThis as unknown as DemoWindow).demo.doc.getText(name).toString(),
      writer.name,
    )
    const words = new Set(text.split(' '))
    return writer.words.filter((word) => words.has(word)).length
  }

  state(): Promise<{ problems: string[]; unsynced: boolean; status: string }> {
    return this.#page.evaluate(() => {
      const { problems, provider } = (globalThis as unknown as DemoWindow).demo
      const { hasUnsyncedChanges, synced } = provider
      return { problems, unsynced: hasUnsyncedChanges, status: synced ? 'synced' : 'not synced' }
    })
  }

  async leaves(): Promise<void> {
    await this.#context.close()
  }
}
