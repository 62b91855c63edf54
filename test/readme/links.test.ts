import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, it } from 'vitest'
import { projectRoot } from '../support/project-root.ts'
import { markdownPages } from './markdown-pages.ts'

const textOf = (page: string): string => readFileSync(join(projectRoot(), page), 'utf8')

/** The anchors that a page's headings have where it is read on the web. */
const anchorsOf = (page: string): string[] =>
  [...textOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

it('every link from one page to another leads somewhere, and to a heading that is there', () => {
  const links = markdownPages.flatMap((page) =>
    [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => ({ page, target })),
  )
  const ours = links.filter(({ target }) => !/^[a-z]+:/.test(target))
  expect(ours.length).toBeGreaterThan(50)
  const broken = ours.filter(({ page, target }) => {
    const [path = '', anchor] = target.split('#')
    const file = path === '' ? page : normalize(join(dirname(page), path))
    if (!existsSync(join(projectRoot(), file))) return true
    return anchor !== undefined && !anchorsOf(file).includes(anchor)
  })
  expect(broken).toEqual([])
})
