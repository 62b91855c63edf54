import { JSDOM } from 'jsdom'
import type { ReactNode } from 'react'

/** A page with React in it, in this process; the sockets of its providers are real ones. */
export interface Page {
  render(node: ReactNode): void
  /** Resolves once the page says so. */
  untilText(isSo: (text: string) => boolean): Promise<void>
}

/** What React looks for in a page, as far as Node does not have it. */
const NAMES = ['window', 'document', 'navigator'] as const

/** Stays for as long as its process, which a test file has for itself: React has tasks to do after everything is unmounted. */
export async function openPage(): Promise<Page> {
  const { window } = new JSDOM('<!doctype html><div id="root"></div>', { url: 'http://127.0.0.1/' })
  const globals = globalThis as Record<string, unknown>
  for (const name of NAMES) if (!(name in globals)) globals[name] = window[name]
  // After the page is there: React looks for one when it is loaded.
  const { createRoot } = await import('react-dom/client')
  const element = window.document.getElementById('root') as HTMLElement
  // What an error boundary shows need not be printed as well.
  const root = createRoot(element, { onCaughtError: () => {} })
  return {
    render: (node) => root.render(node),
    async untilText(isSo) {
      while (!isSo(element.textContent ?? '')) await new Promise((resolve) => setImmediate(resolve))
    },
  }
}
