import { join } from 'node:path'
import { build as esbuild } from 'esbuild'
import type { Page } from 'playwright-core'
import { build as vite } from 'vite'

/** How each starter of the demo editor is built, and how somebody writes in it. */
export const STARTERS: Readonly<
  Record<string, { build(folder: string): Promise<string>; write(page: Page, text: string): Promise<void> }>
> = {
  'vite-tiptap': {
    async build(folder) {
      const outDir = join(folder, 'dist')
      await vite({ root: folder, configFile: false, logLevel: 'error', build: { outDir, modulePreload: false } })
      return outDir
    },
    async write(page, text) {
      await page.locator('.tiptap').click()
      await page.keyboard.type(text)
    },
  },
  'plain-script': {
    async build(folder) {
      await esbuild({
        entryPoints: [join(folder, 'main.js')],
        outfile: join(folder, 'bundle.js'),
        bundle: true,
        format: 'esm',
      })
      return folder
    },
    async write(page, text) {
      await page.getByLabel('Something to remember').fill(text)
      await page.getByRole('button', { name: 'Add' }).click()
    },
  },
}
