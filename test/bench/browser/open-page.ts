import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium, type Page } from 'playwright-core'
import { Unavailable } from '../rows/row.ts'
import { projectRoot } from '../servers/places.ts'
import { servePage } from './serve-page.ts'

/** Lets `use` have the bench's page in a browser of its own, and ends both afterwards. Throws Unavailable without a browser. */
export async function withBenchPage<Result>(use: (page: Page) => Promise<Result>): Promise<Result> {
  const { CHROMIUM_ARGUMENTS, findChromium } = (await import(
    pathToFileURL(join(projectRoot, 'test/bin/chromium.mjs')).href
  )) as {
    readonly CHROMIUM_ARGUMENTS: readonly string[]
    findChromium(): string | undefined
  }
  const executablePath = findChromium()
  if (executablePath === undefined) throw new Unavailable('no Chromium on this machine: CHROMIUM names one')
  const served = await servePage()
  const browser = await chromium.launch({
    executablePath,
    args: [...CHROMIUM_ARGUMENTS],
  })
  try {
    const page = await browser.newPage()
    await page.goto(served.url)
    await page.waitForFunction('globalThis.benchPage !== undefined')
    return await use(page)
  } finally {
    await browser.close()
    await served.close()
  }
}
