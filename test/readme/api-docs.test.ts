import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectRoot } from '../support/project-root.ts'

const api = join(projectRoot(), 'docs/api')
const headings = new Set(
  readdirSync(api, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) => readFileSync(join(api, file), 'utf8').split('\n'))
    .filter((line) => line.startsWith('#'))
    .map((line) => line.replace(/^#+ (abstract )?/, '').replace(/\\|\(\)$|<.*$/g, '')),
)

// Made by `npm run api-docs`, which takes too long to be done by each test run.
describe('docs/api', () => {
  it.each([
    'y-sealed',
    'y-sealed/compat',
    'y-sealed/indexeddb',
    'y-sealed/observe',
    'y-sealed/react',
    '@y-sealed/relay',
    '@y-sealed/key-endpoint',
  ])('has whatever %s exports', async (name) => {
    const exported = Object.keys((await import(name)) as object)
    expect(exported.length).toBeGreaterThan(0)
    expect(exported.filter((each) => !headings.has(each))).toEqual([])
  })
})
