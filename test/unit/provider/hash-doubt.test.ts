import { beforeEach, expect, it } from 'vitest'
import { HashDoubt } from '../../../packages/provider/src/inbound/hash-doubt.ts'

const place = (sequence: number) => ({ sequence, hash: new Uint8Array(32).fill(sequence) })
const same = new Uint8Array(8)
const other = new Uint8Array(8).fill(1)

let doubt: HashDoubt
beforeEach(() => {
  doubt = new HashDoubt()
})

it('without damage a contradiction is a contradiction', () => {
  expect([doubt.accepts(same, same), doubt.accepts(other, same)]).toEqual([true, false])
  expect(doubt.lastSure).toBeUndefined()
})

it('an entry that does not open, and that the relay has hashed as it is: there is no doubt, and later no excuse', () => {
  doubt.noteDamage(place(3))
  expect(doubt.lastSure).toBeUndefined()
  expect(doubt.accepts(same, same)).toBe(true)
  expect(doubt.lastSure).toBeUndefined()
  expect(doubt.accepts(other, same)).toBe(false)
})

it('an entry that does not open, and that the relay has hashed as it was: its word is taken from there on', () => {
  doubt.noteDamage(place(3))
  doubt.noteDamage(place(5))
  expect(doubt.accepts(other, same)).toBe(true)
  expect(doubt.accepts(same, other)).toBe(true)
  expect(doubt.accepts(same, same)).toBe(true)
  expect(doubt.lastSure).toEqual(place(3))
})

it('a hole: its word is taken behind it; before it all was sure', () => {
  doubt.noteHole(place(7))
  doubt.noteHole(place(9))
  expect(doubt.accepts(other, same)).toBe(true)
  expect(doubt.lastSure).toEqual(place(7))
  doubt.clear()
  expect([doubt.lastSure, doubt.accepts(other, same)]).toEqual([undefined, false])
})
