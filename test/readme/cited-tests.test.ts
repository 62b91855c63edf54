import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { projectRoot } from '../support/project-root.ts'
import { markdownPages } from './markdown-pages.ts'

const pages = markdownPages.filter((page) => !page.startsWith('test/'))
const textOf = (page: string) => readFileSync(join(projectRoot(), page), 'utf8')
const cited = pages.flatMap((page) => [...textOf(page).matchAll(/`(test\/[^`\s]+)`/g)].map(([, path]) => [page, path]))

it('the threat model cites tests', () => {
  expect(cited.filter(([page]) => page === 'docs/threat-model.md').length).toBeGreaterThan(20)
})

it('every test that a page cites is there', () => {
  expect(cited.filter(([, path]) => !existsSync(join(projectRoot(), path ?? '')))).toEqual([])
})

it('every command that a page cites is there', () => {
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }
  const commands = pages.flatMap((page) => [...textOf(page).matchAll(/npm run ([a-z-]+)/g)].map(([, name]) => name))
  expect(commands).toContain('prove')
  expect(commands.filter((name) => name === undefined || !(name in scripts))).toEqual([])
})

it('every promise of the threat model names a test', () => {
  const promises = textOf('docs/threat-model.md')
    .split('| promise | shown by |\n')
    .slice(1)
    .flatMap((table) => table.split('\n\n')[0]?.split('\n').slice(1) ?? [])
  expect(promises.length).toBeGreaterThan(15)
  expect(promises.filter((row) => !/\|[^|]*`test\/[^|]*\|$/.test(row))).toEqual([])
})
