import { describe, expect, it } from 'vitest'
import { bytesToText, sizeToText } from '../../../demo-editor/src/byte-text.ts'
import { colourOf } from '../../../demo-editor/src/caret-colours.ts'
import { withoutInlineCode } from '../../../demo-editor/src/pasted-html.ts'
import { parsePerson } from '../../../demo-editor/src/person.ts'
import { readPublicHeader } from '../../../demo-editor/src/public-header.ts'
import { safeAddress } from '../../../demo-editor/src/safe-link.ts'
import { connectionState, encryptionState, type Facts, storageState } from '../../../demo-editor/src/states.ts'

const LIVE: Facts = {
  status: 'connected',
  offlineByChoice: false,
  ended: false,
  shutOut: false,
  absence: 'none',
  keyed: true,
  locked: false,
  canWrite: true,
  stored: true,
  slow: false,
}

describe('the badges', () => {
  it.each<[Partial<Facts>, string, string, string]>([
    [{}, 'End-to-end encrypted', 'Connected', 'All changes stored'],
    [{ stored: false }, 'End-to-end encrypted', 'Connected', 'Storing…'],
    [{ stored: false, slow: true }, 'End-to-end encrypted', 'Connected', 'Not stored yet'],
    [{ canWrite: false }, 'End-to-end encrypted', 'Connected', 'Read only'],
    [{ status: 'connecting', keyed: false }, 'Waiting for the key', 'Connecting…', 'Nothing to send'],
    [{ status: 'connecting', absence: 'moment' }, 'End-to-end encrypted', 'Connected', 'All changes stored'],
    [{ status: 'connecting', absence: 'moment', stored: false }, 'End-to-end encrypted', 'Connected', 'Storing…'],
    [
      { status: 'connecting', absence: 'short', stored: false },
      'End-to-end encrypted',
      'Connecting…',
      'Kept in this tab',
    ],
    [
      { status: 'connecting', absence: 'long', stored: false },
      'End-to-end encrypted',
      'Connecting…',
      'Changes only in this tab',
    ],
    [
      { status: 'disconnected', ended: true, stored: false },
      'End-to-end encrypted',
      'Not connected',
      'Changes only in this tab',
    ],
    [
      { status: 'connecting', absence: 'long', stored: false, keptSince: 0 },
      'End-to-end encrypted',
      'Connecting…',
      'Kept on this device',
    ],
    [{ status: 'disconnected', offlineByChoice: true }, 'End-to-end encrypted', 'Working offline', 'Nothing to send'],
    [
      { status: 'connecting', keyed: false, locked: true, absence: 'short', stored: false },
      'Locked',
      'Connecting…',
      'Kept in this tab',
    ],
  ])('%o', (change, encryption, connection, storage) => {
    const facts = { ...LIVE, ...change }
    expect(encryptionState(facts).text).toBe(encryption)
    expect(connectionState(facts).text).toBe(connection)
    expect(storageState(facts).text).toBe(storage)
  })

  it('nothing is called stored that the relay has not confirmed', () => {
    for (const status of ['connected', 'connecting', 'disconnected'] as const) {
      expect(storageState({ ...LIVE, status, stored: false }).tone).not.toBe('good')
    }
  })
})

describe('what other members send', () => {
  it('a person is a short name and a colour of ours, whatever came', () => {
    for (const value of [undefined, null, 7, 'x', [], {}, { name: 7 }, { name: '  ' }]) {
      expect(parsePerson(value)).toEqual({ name: 'Somebody', color: colourOf('') })
    }
    expect(parsePerson({ name: 'Bob', color: 'url(x)' })).toEqual({ name: 'Bob', color: colourOf('Bob') })
    expect(parsePerson({ name: '👩'.repeat(100) }).name).toBe('👩'.repeat(40))
    for (const name of ['Alice', 'constructor', '__proto__']) expect(colourOf(name)).toMatch(/^#[0-9a-f]{6}$/)
  })

  it('only web and mail addresses are linked to', () => {
    expect(safeAddress('https://example.org/a b')).toBe('https://example.org/a%20b')
    expect(safeAddress('mailto:a@example.org')).toBe('mailto:a@example.org')
    for (const bad of [
      'javascript:1',
      ' JAVASCRIPT:1',
      'java\tscript:1',
      'data:text/html,x',
      '//example.org',
      'x',
      7,
      null,
    ]) {
      expect(safeAddress(bad), String(bad)).toBeUndefined()
    }
  })

  it('pasted HTML loses inline styles and handlers in its tags, and nothing in its text', () => {
    expect(withoutInlineCode('<p style="color:red" class=a ONCLICK=\'x\'>1 &lt; 2 style="kept"</p>')).toBe(
      '<p class=a>1 &lt; 2 style="kept"</p>',
    )
  })
})

describe('the bytes in the panel', () => {
  it('the readable part ends where the counter does', () => {
    const header = [0x11, 0x80, 0x01, ...new Array(16).fill(0xaa), 0xac, 0x02]
    expect(readPublicHeader(Uint8Array.from([...header, ...new Array(20).fill(0xff)]))).toEqual({
      kind: 'update',
      epochIndex: 128,
      counter: 300,
      headerBytes: header.length,
    })
    expect(readPublicHeader(new Uint8Array(0)).kind).toBe('unknown')
  })

  it('hex in pairs, base64, and sizes that people read', () => {
    const bytes = Uint8Array.of(0, 255, 16)
    expect(bytesToText(bytes, 'hex')).toBe('00 ff 10')
    expect(bytesToText(bytes, 'base64')).toBe('AP8Q')
    expect([0, 1023, 1024, 1_572_864].map(sizeToText)).toEqual(['0 B', '1023 B', '1.0 KiB', '1.5 MiB'])
  })
})
