import puppeteer from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findFirefox } from '../bin/firefox.mjs'
import { findWebKit } from '../bin/webkit.mjs'
import { launchBrowser, skipBrowserTests } from '../browser/browser.ts'
import { openInWebKit } from './open-webkit.ts'
import { servePage } from './serve-page.ts'

// `npm run browsers` installs and runs these too; `npm test` has ten minutes for everything.
const isForAll = process.env.Y_SEALED_ALL_BROWSERS === '1'
const firefox = isForAll ? findFirefox() : undefined
const webKit = isForAll ? findWebKit() : undefined

// Known answers, our vectors and Wycheproof's for two engines, frames, and the scenario: fewer would mean that a file was not loaded.
const FEWEST = 200

describe('the core scenario, both engines and all vectors', { timeout: 120_000 }, () => {
  let page: Awaited<ReturnType<typeof servePage>>
  beforeAll(async () => {
    page = await servePage()
  }, 120_000)
  afterAll(() => page?.close())

  const runIn = async (open: (url: string) => Promise<() => Promise<unknown>>, name: RegExp) => {
    const outcome = page.outcome()
    const close = await open(page.url)
    try {
      const { passed, failed, userAgent } = await outcome
      expect(failed).toEqual([])
      expect(passed.length).toBeGreaterThan(FEWEST)
      expect(userAgent).toMatch(name)
    } finally {
      await close()
    }
  }

  it.skipIf(skipBrowserTests)('run in Chromium', () =>
    runIn(async (url) => {
      const browser = await launchBrowser()
      await (await browser.newPage()).goto(url)
      return () => browser.close()
    }, /Chrome/),
  )

  if (firefox !== undefined) {
    it('run in Firefox', () =>
      runIn(async (url) => {
        const browser = await puppeteer.launch({ browser: 'firefox', executablePath: firefox, headless: true })
        await (await browser.newPage()).goto(url)
        return () => browser.close()
      }, /Firefox/))
  }

  if (webKit !== undefined) {
    it('run in WebKit', () => runIn((url) => openInWebKit(webKit, url), /AppleWebKit(?!.*Chrome)/))
  }
})
