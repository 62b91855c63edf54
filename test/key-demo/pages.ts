import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { projectRoot } from '../support/project-root.ts'

const HTML = `<!doctype html><html lang="en"><meta charset="utf-8"><title>A document</title>
<label>Your words <textarea rows="12" cols="80"></textarea></label><script src="page.js"></script></html>`

/** The app's page, bundled as a customer would, in this folder. */
export async function writePages(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'index.html'), HTML)
  const entry = join(projectRoot(), 'test/key-demo/page.ts')
  await build({
    entryPoints: [entry],
    outfile: join(folder, 'page.js'),
    bundle: true,
    format: 'iife',
    target: 'es2022',
    logLevel: 'error',
  })
}
