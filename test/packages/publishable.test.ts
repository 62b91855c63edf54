import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { projectRoot } from '../support/project-root.ts'
import { filesIn } from './files-in.ts'
import { type Packed, PUBLISHED, packAll, packTarballs } from './packed.ts'

let root: string
let packed: Packed[]
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'y-sealed-packed-'))
  packed = packAll(root)
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('what npm publish would send', () => {
  it('is every package below packages and server', () => {
    expect(packed.length).toBe(PUBLISHED.length)
    expect(packed.map(({ name }) => name)).toContain('y-sealed')
  })

  it('is the same bytes when it is packed twice', () => {
    const hash = (tarball: string) => createHash('sha256').update(readFileSync(tarball)).digest('hex')
    const again = packTarballs(root)
    expect([...again].map(([name, tarball]) => [name, hash(tarball)])).toEqual(
      packed.map(({ name, tarball }) => [name, hash(tarball)]),
    )
  })

  it('has a licence, a page to read, and nothing that was not meant to go out', () => {
    const licence = readFileSync(join(projectRoot(), 'LICENSE'), 'utf8')
    for (const { name, folder } of packed) {
      expect(readFileSync(join(folder, 'LICENSE'), 'utf8'), name).toBe(licence)
      expect(existsSync(join(folder, 'README.md')), name).toBe(true)
      const strays = filesIn(folder).filter((file) => /(^|\/)(\.|node_modules\/|data\/)|\.test\.|\.log$/.test(file))
      expect(strays, name).toEqual([])
    }
  })

  it('has the source of each source map, so that a reviewer can step through what runs', () => {
    for (const { name, folder } of packed) {
      const maps = filesIn(folder).filter((file) => file.endsWith('.js.map'))
      expect(maps.length, name).toBeGreaterThan(0)
      const missing = maps.filter((map) => {
        const { sources } = JSON.parse(readFileSync(join(folder, map), 'utf8')) as { sources: string[] }
        return sources.some((source) => !existsSync(resolve(folder, dirname(map), source)))
      })
      expect(missing, name).toEqual([])
    }
  })

  it('passes publint without a word', async () => {
    for (const { folder, name } of packed) {
      const { messages, pkg } = await publint({ pkgDir: folder, pack: false, strict: true })
      expect(
        messages.map((message) => formatMessage(message, pkg)),
        name,
      ).toEqual([])
    }
  })

  it('has types that fit what it exports, for all who import ES modules', async () => {
    for (const { tarball, name } of packed) {
      const checked = await checkPackage(createPackageFromTarballData(readFileSync(tarball)))
      // These packages are ES modules and nothing else: who calls require() is told so by Node 20.19's own require.
      const asked = ['node16-esm', 'bundler']
      const problems = 'problems' in checked ? checked.problems : [{ kind: 'NoTypes', resolutionKind: 'bundler' }]
      const found = problems.filter(
        (problem) => !('resolutionKind' in problem) || asked.includes(problem.resolutionKind),
      )
      expect(
        found.map(({ kind }) => kind),
        name,
      ).toEqual([])
    }
  })
})
