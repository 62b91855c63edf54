import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { projectRoot } from '../support/project-root.ts'
import { codeBlocks } from './code-blocks.ts'

const folder = join(projectRoot(), 'demo-editor/editors')
const editors = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
const blocks = codeBlocks(readFileSync(join(projectRoot(), 'docs/editors.md'), 'utf8'))

it.each(editors)('docs/editors.md shows what runs in test/browser: $name', ({ name }) => {
  const file = readFileSync(join(folder, name, 'main.ts'), 'utf8').trimEnd()
  expect(blocks.map(({ code }) => code)).toContain(file)
})

it('and nothing else, but for the lines that open a document', () => {
  expect(blocks.length).toBe(editors.length + 1)
})
