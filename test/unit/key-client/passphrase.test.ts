import { argon2id } from '@noble/hashes/argon2.js'
import { checkKey, createKeyRing, firstOf, type KeyAnswer, passphrase, staticKey } from '@y-sealed/key-client'
import { afterEach, describe, expect, it, vi } from 'vitest'

/** The least that is allowed: tests derive often. */
const CHEAP = { memoryKiB: 19_456, passes: 2 }
const HINT = '$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw'
const code = (expected: string) => expect.objectContaining({ code: expected })

const ask = async (source: ReturnType<typeof passphrase>, keyHint: string | null, signal?: AbortSignal) =>
  (await source({ documentId: 'doc-1', keyHint }, signal && { signal })) as KeyAnswer

afterEach(() => vi.unstubAllGlobals())

describe('passphrase', () => {
  it('is Argon2id of the words, with cost and salt from the hint', async () => {
    const salt = Uint8Array.from({ length: 16 }, (_, i) => i)
    const expected = argon2id('correct horse', salt, { m: 19_456, t: 2, p: 1, dkLen: 32, version: 0x13 })
    const { key, keyHint } = await ask(passphrase('correct horse'), HINT)
    expect(Buffer.from(key, 'base64url')).toEqual(Buffer.from(expected))
    expect(keyHint).toBe(HINT)
    expect(checkKey(key)).toEqual({ ok: true, weak: false })
  })

  it('begins each epoch with another salt, and gives the same key again for its hint', async () => {
    const ring = createKeyRing({ source: passphrase('correct horse', CHEAP), documentId: 'doc-1' })
    const first = await ring.confirmNew()
    const next = await ring.confirmNew({ after: first.keyHint })
    expect([next.key === first.key, next.keyHint === first.keyHint]).toEqual([false, false])
    expect(first.keyHint).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}$/)
    // On another device.
    expect((await ask(passphrase('correct horse'), first.keyHint)).key).toBe(first.key)
    expect((await ask(passphrase('correct horsf'), first.keyHint)).key).not.toBe(first.key)
  })

  it('has 64 MiB and three passes by default', async () => {
    // What runs for a second is not needed to see that.
    vi.stubGlobal('Worker', answeringWorker())
    expect((await ask(passphrase('words'), null)).keyHint).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=1\$/)
  })

  it('is one however a keyboard writes its accents', async () => {
    const [composed, taken] = ['caf\u00e9', 'cafe\u0301']
    expect((await ask(passphrase(composed), HINT)).key).toBe((await ask(passphrase(taken), HINT)).key)
  })

  it('asks a function each time, and derives anew only for other words', async () => {
    let words = 'mistyped'
    const derive = answeringWorker()
    vi.stubGlobal('Worker', derive)
    const source = passphrase(async () => words)
    await ask(source, HINT)
    await ask(source, HINT)
    expect(derive.started).toBe(1)
    words = 'correct horse'
    await ask(source, HINT)
    expect(derive.started).toBe(2)
  })

  it.each([
    ['', 'nothing'],
    ['a\ud800', 'a lone surrogate'],
    ['a'.repeat(1_025), 'too much'],
  ])('is not made of %j (%s)', async (words) => {
    expect(() => passphrase(words)).toThrow(code('key-invalid'))
    await expect(
      ask(
        passphrase(() => words),
        HINT,
      ),
    ).rejects.toThrow(code('key-invalid'))
  })

  it.each([
    [{ memoryKiB: 1_024 }],
    [{ memoryKiB: 262_145 }],
    [{ passes: 1 }],
    [{ passes: 2.5 }],
    [{ memoryKiB: 262_144, passes: 5 }],
  ])('refuses to begin an epoch with %j', (options) => expect(() => passphrase('words', options)).toThrow(RangeError))

  it('names an option that does not exist', () => {
    const mistyped: object = { iterations: 3 }
    expect(() => passphrase('words', mistyped)).toThrow('unknown option "iterations"')
  })

  it('is one of several sources: whose hint it is decides', async () => {
    const source = firstOf([passphrase('words'), staticKey('a'.repeat(40), 'v1')])
    expect(await source({ documentId: 'doc-1', keyHint: 'v1' })).toEqual({ key: 'a'.repeat(40), keyHint: 'v1' })
  })
})

describe('a hint that a hostile relay shows', () => {
  const salt = 'AAECAwQFBgcICQoLDA0ODw'
  it.each([
    ['4 GiB of memory', `$argon2id$v=19$m=4194304,t=3,p=1$${salt}`, 'key-invalid'],
    ['a number beyond 32 bits', `$argon2id$v=19$m=9999999999,t=3,p=1$${salt}`, 'key-invalid'],
    ['a billion passes', `$argon2id$v=19$m=19456,t=1000000000,p=1$${salt}`, 'key-invalid'],
    ['much of both', `$argon2id$v=19$m=262144,t=16,p=1$${salt}`, 'key-invalid'],
    ['hardly any memory', `$argon2id$v=19$m=8,t=3,p=1$${salt}`, 'key-invalid'],
    ['one pass', `$argon2id$v=19$m=65536,t=1,p=1$${salt}`, 'key-invalid'],
    ['a zero in front', `$argon2id$v=19$m=065536,t=3,p=1$${salt}`, 'key-unknown'],
    ['a number without end', `$argon2id$v=19$m=${'9'.repeat(200)},t=3,p=1$${salt}`, 'key-unknown'],
    ['four lanes', `$argon2id$v=19$m=65536,t=3,p=4$${salt}`, 'key-unknown'],
    ['Argon2d', `$argon2d$v=19$m=65536,t=3,p=1$${salt}`, 'key-unknown'],
    ['the version of 2015', `$argon2id$v=16$m=65536,t=3,p=1$${salt}`, 'key-unknown'],
    ['half a salt', `$argon2id$v=19$m=65536,t=3,p=1$${salt.slice(0, 11)}`, 'key-unknown'],
    ['another spelling of a salt', `$argon2id$v=19$m=65536,t=3,p=1$${salt.slice(0, 21)}x`, 'key-unknown'],
    ['none', '', 'key-unknown'],
  ])('with %s costs nothing', async (_what, hint, expected) => {
    const derive = answeringWorker()
    vi.stubGlobal('Worker', derive)
    const words = vi.fn(() => 'words')
    await expect(ask(passphrase(words), hint)).rejects.toThrow(code(expected))
    expect([derive.started, words.mock.calls.length]).toEqual([0, 0])
  })
})

describe('the worker that derives', () => {
  it('is ended when nobody waits any more, and the next one begins', async () => {
    const derive = answeringWorker({ isDeaf: true })
    vi.stubGlobal('Worker', derive)
    const source = passphrase('words')
    const life = new AbortController()
    const asked = ask(source, HINT, life.signal)
    await vi.waitFor(() => expect(derive.started).toBe(1))
    life.abort()
    await expect(asked).rejects.toThrow()
    expect(derive.ended).toBe(1)
    vi.stubGlobal('Worker', answeringWorker())
    expect((await ask(source, HINT)).keyHint).toBe(HINT)
  })

  it.each([
    ['a file that is not there', answeringWorker({ isBroken: true })],
    [
      'a policy that forbids workers',
      class {
        constructor() {
          throw new DOMException('refused', 'SecurityError')
        }
      },
    ],
  ])('is done without: %s', async (_what, broken) => {
    const here = await ask(passphrase('words'), HINT)
    vi.stubGlobal('Worker', broken)
    expect(await ask(passphrase('words'), HINT)).toEqual(here)
  })
})

/** A stand-in for the browser's: the real one is tried in `test/browser`. */
function answeringWorker({ isDeaf = false, isBroken = false } = {}) {
  return class {
    static started = 0
    static ended = 0
    onmessage: ((event: { data: unknown }) => void) | undefined
    onerror: ((event: { preventDefault(): void }) => void) | undefined
    constructor() {
      ;(this.constructor as typeof this.constructor & { started: number }).started++
    }
    postMessage({ password }: { password: Uint8Array }): void {
      queueMicrotask(() => {
        if (isBroken) this.onerror?.({ preventDefault: () => {} })
        else if (!isDeaf) this.onmessage?.({ data: new Uint8Array(32).fill(password.length) })
      })
    }
    terminate(): void {
      ;(this.constructor as typeof this.constructor & { ended: number }).ended++
    }
  }
}
