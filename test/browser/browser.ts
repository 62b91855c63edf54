import { type Browser, chromium } from 'playwright-core'
import { findChromium } from '../bin/chromium.mjs'

const executablePath = findChromium()

/** Where there is no browser, browser tests are skipped by name; under CI=true they run, and fail for want of one. */
export const skipBrowserTests = executablePath === undefined && process.env.CI !== 'true'

export function launchBrowser(): Promise<Browser> {
  if (!executablePath) throw new Error('no Chromium on this machine: install one, or name it in CHROMIUM')
  return chromium.launch({
    executablePath,
    args: [
      // Containers have no user namespaces for the sandbox; the pages are ours.
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}
