import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { scanUpdate, UnusableUpdate } from '../../packages/provider/src/guard/scan-update.ts'
import { projectRoot } from '../support/project-root.ts'
import { nestedArrays, nestedJson, rawUpdate } from '../support/raw-update.ts'
import { launchBrowser, skipBrowserTests } from './browser.ts'

let browser: Browser
let page: Page

/** The built modules in the order in which they need each other, as one script: what a browser runs is what Node runs. */
const script = (): string =>
  ['guard-limits', 'json-depth', 'scan-update']
    .map((name) => readFileSync(join(projectRoot(), 'packages/provider/dist/guard', `${name}.js`), 'utf8'))
    .join('\n')
    .replace(/^import .*$/gm, '')
    .replace(/^export /gm, '')

beforeAll(async () => {
  if (skipBrowserTests) return
  browser = await launchBrowser()
  page = await browser.newPage()
  await page.addScriptTag({ content: script() })
}, 60_000)

afterAll(() => browser?.close())

const inNode = (update: Uint8Array): string => {
  try {
    scanUpdate(update)
    return 'usable'
  } catch (error) {
    if (error instanceof UnusableUpdate) return error.refusal
    throw error
  }
}

/** At the top of the stack, and a few thousand calls into it. */
const inBrowser = (update: Uint8Array): Promise<string[]> =>
  page.evaluate(
    (bytes) => {
      const scan = Reflect.get(globalThis, 'scanUpdate') as (update: Uint8Array) => unknown
      const verdict = (calls: number): string => {
        if (calls > 0) return verdict(calls - 1)
        try {
          scan(Uint8Array.from(bytes))
          return 'usable'
        } catch (error) {
          return (error as { refusal?: string }).refusal ?? String(error)
        }
      }
      return [verdict(0), verdict(3_000)]
    },
    [...update],
  )

describe.skipIf(skipBrowserTests)('D14: a browser decides like Node, wherever on its stack it stands', () => {
  const shapes = { arrays: nestedArrays, embed: (depth: number) => nestedJson(depth, 'embed') }
  test.each(Object.entries(shapes))('%s', async (_shape, nested) => {
    for (const depth of [10, 100, 256, 257, 1_000, 3_000, 5_000, 10_000, 100_000]) {
      const update = rawUpdate([{ client: 7, clock: 0, structs: [nested(depth)] }])
      const expected = depth <= 256 ? 'usable' : 'nesting'
      expect([inNode(update), ...(await inBrowser(update))]).toEqual([expected, expected, expected])
    }
  })
})
