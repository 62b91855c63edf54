import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CanarySearch } from './canary.ts'

const CANARY = 'kanarienvogel ñ 🐤 sings'
const search = new CanarySearch([CANARY])
const hidden: Record<string, (around: string) => Uint8Array> = {
  'utf-8': (text) => Buffer.from(text, 'utf8'),
  'utf-16le': (text) => Buffer.from(text, 'utf16le'),
  'utf-16be': (text) => Buffer.from(text, 'utf16le').swap16(),
  base64: (text) => Buffer.from(Buffer.from(text).toString('base64')),
  base64url: (text) => Buffer.from(Buffer.from(text).toString('base64url')),
  hex: (text) => Buffer.from(Buffer.from(text).toString('hex')),
  HEX: (text) => Buffer.from(Buffer.from(text).toString('hex').toUpperCase()),
  url: (text) => Buffer.from(encodeURIComponent(text)),
  form: (text) => Buffer.from(`q=${new URLSearchParams({ text })}`),
  'json in ascii': (text) => Buffer.from(text.replaceAll('ñ', '\\u00f1').replaceAll('🐤', '\\ud83d\\udc24')),
}

describe.each(Object.entries(hidden))('a canary written as %s', (_, write) => {
  test.each(['', 'a', 'ab', 'abc', 'abcd'])('is found after %j and before something else', (before) => {
    expect(search.in(write(`${before}${CANARY} and more`), 'here')).not.toEqual([])
    expect(search.in(write(`${before}${CANARY}`), 'here')).not.toEqual([])
  })

  test('is not found where it is cut short', () => {
    expect(search.in(write(`x${CANARY.slice(0, -1)}`), 'here')).toEqual([])
  })
})

test('a directory is searched with its subdirectories and the names of its files', () => {
  const directory = mkdtempSync(join(tmpdir(), 'canary-'))
  try {
    writeFileSync(join(directory, 'log.txt'), 'nothing here')
    expect(search.inDirectory(directory)).toEqual([])
    writeFileSync(join(directory, `${CANARY}.txt`), `and ${CANARY}`)
    expect(search.inDirectory(directory).map(({ encoding }) => encoding)).toEqual(['utf-8', 'utf-8'])
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('a large file is searched across the borders of its pieces', () => {
  const directory = mkdtempSync(join(tmpdir(), 'canary-'))
  try {
    const path = join(directory, 'large')
    const border = 1024 * 1024
    for (const at of [0, border - 10, border, 2 * border - 1, 2 * border + 5]) {
      const bytes = Buffer.alloc(2 * border + 100)
      bytes.write(CANARY, at)
      writeFileSync(path, bytes)
      expect(search.inLargeFile(path), `at ${at}`).toEqual([{ canary: CANARY, encoding: 'utf-8', where: path }])
    }
    writeFileSync(path, Buffer.alloc(2 * border + 100, CANARY.slice(0, -1)))
    expect(search.inLargeFile(path)).toEqual([])
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('a canary too short to mean anything is refused', () => {
  expect(() => new CanarySearch(['abc'])).toThrow(RangeError)
})
