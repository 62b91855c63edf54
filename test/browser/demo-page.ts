import type { Browser, BrowserContext, Page } from 'playwright-core'

/** One person in one browser: the demo's page, and everything that went wrong in it. */
export interface DemoPage {
  readonly page: Page
  readonly context: BrowserContext
  /** Console errors, uncaught exceptions, violations of the content security policy, dialogs. */
  readonly complaints: string[]
  /** What is written in the document, without the others' carets. */
  text(): Promise<string>
  /** The caret is put at the end of the document first. */
  type(text: string): Promise<void>
  state(badge: 'encryption' | 'connection' | 'storage'): Promise<string>
}

export interface DemoPageOptions {
  documentName: string
  name: string
  viewport?: { width: number; height: number }
  colorScheme?: 'light' | 'dark'
  /** The page's clock can be put forward. */
  clock?: boolean
  /** Another tab of somebody who is there already; default: a browser profile of its own. */
  context?: BrowserContext
}

export async function openDemoPage(
  browser: Pick<Browser, 'newContext'>,
  url: string,
  options: DemoPageOptions,
): Promise<DemoPage> {
  const { documentName, name, viewport = { width: 1360, height: 860 }, colorScheme = 'light' } = options
  const context = options.context ?? (await browser.newContext({ viewport, colorScheme }))
  const page = await context.newPage()
  const complaints = collectComplaints(page)
  await page.addInitScript(reportPolicyViolations)
  if (options.clock) await page.clock.install()
  await page.goto(`${url}/#/${documentName}`)
  await page.fill('#own-name', name)
  await page.click('#sign-in-form [type=submit]')
  await waitUntilOpen(page)
  return {
    page,
    context,
    complaints,
    text: () => page.evaluate(readText),
    async type(text) {
      await page.evaluate(putCaretAtEnd)
      await page.keyboard.type(text)
    },
    state: async (badge) => (await page.textContent(`#${badge}-state`)) ?? '',
  }
}

/** The document is here and the badges say so. */
export async function waitUntilOpen(page: Page): Promise<void> {
  await page.waitForSelector('#editor[aria-busy=false] .ProseMirror')
}

export function collectComplaints(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`))
  page.on('dialog', (dialog) => {
    // "Leave page?" is the provider's, and only while something is unsynced.
    complaints.push(`dialog: ${dialog.type()} ${dialog.message()}`)
    void dialog.dismiss()
  })
  return complaints
}

// The functions below run in the page.

function reportPolicyViolations(): void {
  addEventListener('securitypolicyviolation', (event) => {
    console.error(`policy violation: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`)
  })
}

function readText(): string {
  const copy = document.querySelector('#editor .ProseMirror')?.cloneNode(true)
  if (!(copy instanceof HTMLElement)) return ''
  for (const caret of copy.querySelectorAll('.caret')) caret.remove()
  const blocks = [...copy.querySelectorAll('p, h1, h2, h3, pre')]
  // Word joiners keep the carets of others in their place.
  return blocks.map((block) => (block.textContent ?? '').replaceAll('\u2060', '')).join('\n')
}

function putCaretAtEnd(): void {
  const editor = document.querySelector('#editor .ProseMirror')
  if (!(editor instanceof HTMLElement)) return
  editor.focus()
  const selection = getSelection()
  selection?.selectAllChildren(editor)
  selection?.collapseToEnd()
}
