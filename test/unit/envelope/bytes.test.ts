import { equalBytes, lengthPrefixed } from '@y-sealed/envelope/testing'
import { expect, it } from 'vitest'
import { hex, unhex } from './fixtures.ts'

it('[ENV-1] a length prefix is two bytes, and what does not fit it throws', () => {
  expect(hex(lengthPrefixed(unhex('')))).toBe('0000')
  expect(hex(lengthPrefixed(unhex('0a0b')))).toBe('00020a0b')
  expect(hex(lengthPrefixed(new Uint8Array(65535)).subarray(0, 3))).toBe('ffff00')
  expect(() => lengthPrefixed(new Uint8Array(65536))).toThrow(RangeError)
})

it('[ENV-26] a tag is equal to itself only: not to its beginning, not to anything longer', () => {
  const tag = unhex('00112233')
  expect(equalBytes(tag, tag.slice())).toBe(true)
  for (const other of ['', '001122', '0011223300', '00112232', '80112233']) {
    expect(equalBytes(tag, unhex(other))).toBe(false)
    expect(equalBytes(unhex(other), tag)).toBe(false)
  }
})
