import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { projectRoot } from '../support/project-root.ts'
import { codeBlocks } from './code-blocks.ts'
import { markdownPages } from './markdown-pages.ts'

it('the code on all pages is what a strict compiler accepts', () => {
  const parent = join(projectRoot(), 'test/readme/.blocks')
  mkdirSync(parent, { recursive: true })
  const folder = mkdtempSync(join(parent, 'types-'))
  try {
    // Editors' pages are files of the demo's, checked in their place.
    const pages = markdownPages.filter((page) => page !== 'docs/editors.md')
    const typed = pages.flatMap((page) =>
      codeBlocks(readFileSync(join(projectRoot(), page), 'utf8')).filter(({ language }) => language !== 'js'),
    )
    expect(typed.length).toBeGreaterThan(10)
    // What exports nothing is a script to a compiler, and shares its names with all the others.
    for (const [index, { code, language }] of typed.entries())
      writeFileSync(join(folder, `block-${index}.${language}`), `${code}\nexport {}\n`)
    const config = {
      extends: '../../../tsconfig.json',
      compilerOptions: { jsx: 'react-jsx', rootDir: '/' },
      include: ['*'],
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const tsc = join(projectRoot(), 'node_modules/.bin/tsc')
    const { stdout } = spawnSync(tsc, ['-p', folder, '--noUnusedLocals', 'false'], { encoding: 'utf8' })
    expect(stdout).toBe('')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
