import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { ownPort } from '../bin/own-port.mjs'
import type { findWebKit } from '../bin/webkit.mjs'

type WebKit = NonNullable<ReturnType<typeof findWebKit>>

/** Opens an address in WebKitGTK on a display of its own. Resolves to what ends both. */
export async function openInWebKit(webKit: WebKit, url: string): Promise<() => Promise<void>> {
  const display = spawn(webKit.display, ['-displayfd', '3', '-screen', '0', '800x600x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  const number = await firstLine(display.stdio[3] as Readable)
  const port = await ownPort()
  const driver = spawn(webKit.driver, [`--port=${port}`, '--host=127.0.0.1'], {
    stdio: 'ignore',
    // As root it has no namespaces for its sandbox; the page is our own.
    env: { ...process.env, DISPLAY: `:${number}`, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1' },
  })
  const base = `http://127.0.0.1:${port}/session`
  const { sessionId } = await post(base, { capabilities: { alwaysMatch: {} } }, driver)
  await post(`${base}/${sessionId}/url`, { url })
  return async () => {
    await fetch(`${base}/${sessionId}`, { method: 'DELETE' })
    await Promise.all([ended(driver), ended(display)])
  }
}

/** @param starting is asked again until it listens, or has ended */
async function post(url: string, body: object, starting?: ChildProcess): Promise<{ sessionId: string }> {
  for (;;) {
    try {
      const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
      const { value } = (await response.json()) as { value: { sessionId: string } } // WebDriver's own shape
      if (!response.ok) throw new TypeError(JSON.stringify(value))
      return value
    } catch (error) {
      const refused = error instanceof Error && 'cause' in error
      if (!refused || starting === undefined || starting.exitCode !== null) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

function firstLine(stream: Readable): Promise<string> {
  return new Promise((resolve, reject) => {
    stream.once('data', (chunk: Buffer) => resolve(chunk.toString('utf8').trim()))
    stream.once('end', () => reject(new Error('the display did not start')))
  })
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
}
