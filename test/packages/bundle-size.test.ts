import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectRoot } from '../support/project-root.ts'
import { addedBytes, IMPORTS } from './bundle-size.mjs'

describe('what y-sealed adds to a page', () => {
  const page = readFileSync(join(projectRoot(), 'docs/bundle-size.md'), 'utf8')

  it.each(Object.entries(IMPORTS))('is at most what docs/bundle-size.md says, and a tenth: %s', async (title, code) => {
    const row = page.split('\n').find((line) => line.startsWith(`| ${title} |`))
    const [minified = 0, gzip = 0] = (row ?? '').split('|').slice(2, 4).map(Number)
    const { minifiedBytes, gzipBytes } = await addedBytes(code)
    expect(minifiedBytes).toBeLessThan(minified * 1_100)
    expect(gzipBytes).toBeLessThan(gzip * 1_100)
  })

  it('is next to nothing for an app that makes a key: unused code is shaken off', async () => {
    const whole = await addedBytes("export * from 'y-sealed'")
    const key = await addedBytes("export { generateKey } from 'y-sealed'")
    expect(key.minifiedBytes).toBeLessThan(whole.minifiedBytes / 10)
  })
})
