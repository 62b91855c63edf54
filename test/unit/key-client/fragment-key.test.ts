import { createKeyRing, fragmentKey, generateKey, shareLink } from '@y-sealed/key-client'
import { describe, expect, it, vi } from 'vitest'

const KEY = generateKey()
const asked = (keyHint: string | null) => ({ documentId: 'doc-1', keyHint })
const code = (expected: string) => expect.objectContaining({ code: expected })

describe('a share link', () => {
  it('has the key where browsers send it to no server, and gives it back to whoever opens it', async () => {
    const link = new URL(shareLink('https://app.example/doc-1?view=wide', KEY))
    expect(link.href.split('#')[0]).toBe('https://app.example/doc-1?view=wide')
    const ring = createKeyRing({ source: fragmentKey({ fragment: link.hash }), documentId: 'doc-1' })
    const { key, keyHint } = await ring.confirmNew()
    expect([key, keyHint]).toEqual([KEY, ''])
  })

  it('keeps what else is in the fragment, and has one key', () => {
    const other = generateKey()
    const link = shareLink(shareLink('https://app.example/#page=2', other), KEY)
    expect(new URL(link).hash).toBe(`#page=2&key=${KEY}`)
  })

  it('may call it otherwise', () => {
    const link = new URL(shareLink('https://app.example/', KEY, 'k'))
    expect(fragmentKey({ name: 'k', fragment: link.hash })(asked(null))).toEqual({ key: KEY, keyHint: '' })
    expect(() => fragmentKey({ fragment: link.hash })(asked(null))).toThrow(code('key-missing'))
  })

  it.each([
    ['a password', 'not a very secret 🔑'],
    ['base64', Buffer.alloc(32, 255).toString('base64')],
    ['a key that lost its end', KEY.slice(0, -1)],
  ])('is not made of %s', (_what, key) => {
    expect(() => shareLink('https://app.example/', key)).toThrow(code('key-invalid'))
  })
})

describe('fragmentKey', () => {
  it('reads the address whenever it is asked: who pastes another link has another key', () => {
    let hash = `#key=${KEY}`
    const source = fragmentKey({ fragment: () => hash })
    expect(source(asked(null))).toEqual({ key: KEY, keyHint: '' })
    hash = `#key=${generateKey()}`
    expect(source(asked(''))).not.toEqual({ key: KEY, keyHint: '' })
  })

  it("reads the page's own by default", () => {
    vi.stubGlobal('location', { hash: `#key=${KEY}` })
    try {
      expect(fragmentKey()(asked(null))).toEqual({ key: KEY, keyHint: '' })
    } finally {
      vi.unstubAllGlobals()
    }
    expect(() => fragmentKey()(asked(null))).toThrow(code('key-missing'))
  })

  it.each([
    ['cut', KEY.slice(0, 40), 'key-invalid'],
    ['longer', `${KEY}A`, 'key-invalid'],
    ['empty', '', 'key-invalid'],
    ['with a dot at its end, as a sentence has', `${KEY}.`, 'key-invalid'],
  ])('that is %s is refused, and the message has nothing of it', (_what, key, expected) => {
    const ask = () => fragmentKey({ fragment: `#key=${key}` })(asked(null))
    expect(ask).toThrow(code(expected))
    if (key !== '') expect(ask).not.toThrow(key)
  })

  it('does not claim a hint that is not its own', () => {
    expect(() => fragmentKey({ fragment: `#key=${KEY}` })(asked('h1'))).toThrow(code('key-unknown'))
  })

  it('refuses an option that it does not know', () => {
    expect(() => fragmentKey({ names: 'k' } as object)).toThrow('unknown option "names"')
  })
})
