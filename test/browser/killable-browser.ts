import { spawn } from 'node:child_process'
import { type Browser, type BrowserContext, chromium } from 'playwright-core'
import { CHROMIUM_ARGUMENTS, findChromium } from '../bin/chromium.mjs'

export interface KillableBrowser {
  readonly context: BrowserContext
  /** kill -9, its renderers with it. Resolves when it is gone. */
  kill(): Promise<void>
  close(): Promise<void>
}

/** A browser of our own, on a profile that stays: its processes can be ended as a crash ends them. */
export async function launchKillable(profile: string): Promise<KillableBrowser> {
  const executable = findChromium()
  if (!executable) throw new Error('no Chromium on this machine: install one, or name it in CHROMIUM')
  const flags = ['--headless=new', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank']
  // A process group of its own, to be ended as one.
  const child = spawn(executable, [...CHROMIUM_ARGUMENTS, ...flags], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const address = await new Promise<string>((resolve, reject) => {
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8')
      const found = /DevTools listening on (ws:\S+)/.exec(said)?.[1]
      if (found !== undefined) resolve(found)
    })
    child.once('exit', () => reject(new Error(`the browser ended:\n${said}`)))
  })
  const browser: Browser = await chromium.connectOverCDP(address)
  const [context] = browser.contexts()
  if (context === undefined) throw new Error('a browser has a context')
  const end = async (): Promise<void> => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGKILL')
    await gone
  }
  return {
    context,
    kill: end,
    async close() {
      await browser.close().catch(() => {})
      await end()
    },
  }
}
