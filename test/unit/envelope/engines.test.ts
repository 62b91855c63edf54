import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { createSealer, openEnvelope } from '@y-sealed/envelope'
import { browserEngine } from '@y-sealed/envelope/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { birth, bodyOf, deriveKeys, engines, sameBytes } from './fixtures.ts'

afterEach(() => vi.restoreAllMocks())

const pairs = engines.flatMap((from) => engines.filter((to) => to !== from).map((to) => ({ from, to })))

it.each(pairs)('[ENV-29] what $from.name seals, $to.name opens', async ({ from, to }) => {
  const [sealing, opening] = [await deriveKeys({}, from), await deriveKeys({}, to)]
  const sealer = await createSealer(sealing, { epochIndex: 3 })
  for (const length of [0, 1, 15, 16, 17, 4095, 4096, 4097, 70_000]) {
    const [envelope] = await sealer.seal(1, bodyOf(length), length === 0 ? { birth } : {})
    expect(sameBytes((await openEnvelope(opening, envelope!)).body, bodyOf(length)), `length ${length}`).toBe(true)
  }
})

it('[ENV-29] a browser opens everything with WebCrypto, and seals with it above 4 KiB', async () => {
  const encrypt = vi.spyOn(crypto.subtle, 'encrypt')
  const decrypt = vi.spyOn(crypto.subtle, 'decrypt')
  const keys = await deriveKeys({}, browserEngine)
  const sealer = await createSealer(keys, { epochIndex: 0, padding: false, wire: false })
  const [small] = await sealer.seal(1, bodyOf(4094))
  const [now] = sealer.sealNow(1, bodyOf(100_000))
  expect(encrypt).toHaveBeenCalledTimes(0)
  const [large] = await sealer.seal(1, bodyOf(4095))
  expect(encrypt).toHaveBeenCalledTimes(1)
  for (const envelope of [small, now, large]) await openEnvelope(keys, envelope!)
  expect(decrypt).toHaveBeenCalledTimes(3)
})

it('[ENV-29] on a page that is no secure context the platform is named, not the user', async () => {
  vi.stubGlobal('crypto', { getRandomValues: crypto.getRandomValues.bind(crypto) })
  try {
    await expect(deriveKeys({}, browserEngine)).rejects.toMatchObject({ code: 'unsupported', fault: 'platform' })
  } finally {
    vi.unstubAllGlobals()
  }
})

describe('[ENV-29] what a build of the package reaches', () => {
  const source = resolve(import.meta.dirname, '../../../packages/envelope/src')

  /** Every module that the package's root imports, ours by path and others by name, types left out. */
  function reachable(engineFile: string): Set<string> {
    const seen = new Set<string>()
    const visit = (file: string): void => {
      if (seen.has(file)) return
      seen.add(file)
      const code = readFileSync(file, 'utf8').replaceAll(/^(import|export) type [^;]*? from .*$/gm, '')
      for (const [, name = ''] of code.matchAll(/\bfrom '([^']+)'|\bimport\('([^']+)'\)/g)) {
        if (name === '#engine') visit(resolve(source, engineFile))
        else if (name.startsWith('.')) visit(resolve(dirname(file), name))
        else seen.add(name)
      }
    }
    visit(resolve(source, 'index.ts'))
    return seen
  }

  it('[ENV-29] in Node: no AES in JavaScript', () => {
    const modules = [...reachable('engine/node.ts')]
    expect(modules).toContain('node:crypto')
    expect(modules.filter((name) => /noble|webcrypto|browser|testing/.test(name))).toEqual([])
  })

  it('[ENV-29] in a browser: nothing of Node', () => {
    const modules = [...reachable('engine/browser.ts')]
    expect(modules).toContain('@noble/ciphers/aes.js')
    expect(modules.filter((name) => /^node:|engine\/node|testing/.test(name))).toEqual([])
  })

  it('[ENV-29] the package chooses as these tests do', () => {
    const manifest = JSON.parse(readFileSync(resolve(source, '../package.json'), 'utf8'))
    const { node, ...others } = manifest.imports['#engine']
    const condition = '@y-sealed/source'
    expect([node[condition], node.default]).toEqual(['./src/engine/node.ts', './dist/engine/node.js'])
    expect(others.default).toEqual({
      [condition]: './src/engine/browser.ts',
      default: './dist/engine/browser.js',
    })
    for (const file of [node[condition], others.default[condition]])
      expect(existsSync(resolve(source, '..', file))).toBe(true)
  })
})
