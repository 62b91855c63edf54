import { type Browser, type BrowserContext, chromium } from 'playwright-core'
import { CHROMIUM_ARGUMENTS, findChromium } from '../bin/chromium.mjs'

const executablePath = findChromium()

/** Where there is no browser, browser tests are skipped by name; under CI=true they run, and fail for want of one. */
export const skipBrowserTests = executablePath === undefined && process.env.CI !== 'true'

export function launchBrowser(): Promise<Browser> {
  return chromium.launch(found())
}

/** A browser that keeps what a user's keeps, in this folder. */
export function launchProfile(folder: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(folder, found())
}

function found(): { executablePath: string; args: string[] } {
  if (!executablePath) throw new Error('no Chromium on this machine: install one, or name it in CHROMIUM')
  return { executablePath, args: [...CHROMIUM_ARGUMENTS] }
}
