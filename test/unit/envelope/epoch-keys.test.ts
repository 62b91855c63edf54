import { inspect } from 'node:util'
import { createSealer, deriveEpochKeys, openEnvelope, parseDocumentKey } from '@y-sealed/envelope'
import { browserEngine, webCryptoEngine } from '@y-sealed/envelope/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { birth, deriveKeys, engines, errorOf, hex, parameters, strongKey, text, unhex } from './fixtures.ts'

const salt = unhex('745cc4614c7b940913350e8cacf688c3')

afterEach(() => vi.restoreAllMocks())

it('[ENV-4] [ENV-6] every parameter and every byte of the key makes another epoch', async () => {
  const nonce = parameters.nonce.slice()
  nonce[15] = (nonce[15] ?? 0) ^ 1
  const ids = [
    await deriveKeys(),
    await deriveKeys({ documentId: 'doc-2' }),
    await deriveKeys({ documentId: 'doc-1h', keyHint: 'int-0' }),
    await deriveKeys({ keyHint: '' }),
    await deriveKeys({ nonce }),
    await deriveEpochKeys(parseDocumentKey(`${strongKey} `), parameters),
  ].map((keys) => hex(keys.epochId))
  expect(new Set(ids).size).toBe(ids.length)
})

it('[ENV-5] a stretched epoch is another epoch of the same key', { timeout: 60_000 }, async () => {
  const [plain, stretched] = [await deriveKeys(), await deriveKeys({ stretch: 1 })]
  expect(hex(stretched.epochId)).not.toBe(hex(plain.epochId))
})

it('[ENV-2] an unknown suite, stretch or ext is unsupported before any key is derived', async () => {
  const hkdf = vi.fn()
  const root = vi.fn()
  const engine = { ...webCryptoEngine, hkdf, root }
  const unknown = [{ suite: 2 }, { suite: 0 }, { stretch: 2 }, { stretch: -1 }, { ext: new Uint8Array(1) }]
  for (const changes of unknown) {
    // What a careless caller could pass on from bytes it read.
    const passed = { ...parameters, ...changes } as typeof parameters
    expect((await errorOf(() => deriveEpochKeys(strongKey, passed, engine))).code).toBe('unsupported')
  }
  expect(hkdf).not.toHaveBeenCalled()
  expect(root).not.toHaveBeenCalled()
})

it('[ENV-1] a documentId has 1 to 1,024 bytes, a hint 256 units at most, both well-formed', async () => {
  const bad = [
    { documentId: '' },
    { documentId: 'd'.repeat(1025) },
    { documentId: `é${'d'.repeat(1023)}` },
    { documentId: '\ud800' },
    { keyHint: 'h'.repeat(257) },
    { keyHint: '\udc00' },
    { nonce: new Uint8Array(15) },
    { nonce: new Uint8Array(17) },
  ]
  for (const changes of bad) expect(await errorOf(() => deriveKeys(changes))).toMatchObject({ code: 'caller' })
  await deriveKeys({ documentId: 'd'.repeat(1024), keyHint: '🔑'.repeat(128) })
})

describe.each(engines)('$name', (engine) => {
  it('[ENV-6] the two tags of one text and the subkeys of two kinds have nothing in common', async () => {
    const keys = await deriveKeys({}, engine)
    const message = text('message')
    expect(await keys.linkTag(message)).not.toEqual(await keys.selfTag(message))
    const none = new Uint8Array(0)
    const sealed = await (await keys.sealingKey(1, salt)).seal(new Uint8Array(12), none, message)
    expect(await (await keys.openingKey(1, salt)).open(new Uint8Array(12), none, sealed)).toEqual(message)
    expect(await (await keys.openingKey(4, salt)).open(new Uint8Array(12), none, sealed)).toBeUndefined()
    expect(
      await (
        await keys.openingKey(
          1,
          salt.map((b) => b ^ 1),
        )
      ).open(new Uint8Array(12), none, sealed),
    ).toBeUndefined()
  })

  it('[ENV-8] forgotten keys derive, tag, seal and open nothing', async () => {
    const keys = await deriveKeys({}, engine)
    const sealer = await createSealer(keys, { epochIndex: 0 })
    const [envelope] = await sealer.seal(1, text('a'), { birth })
    await openEnvelope(keys, envelope!)
    keys.forget()
    keys.forget()
    for (const use of [
      () => keys.selfTag(text('a')),
      () => keys.linkTag(text('a')),
      () => keys.sealingKey(1, salt),
      () => keys.openingKey(1, salt),
      () => openEnvelope(keys, envelope!),
    ]) {
      expect((await errorOf(use)).code).toBe('caller')
    }
  })

  it('[ENV-8] no key is in what a debugger or a log prints of keys and sealer', async () => {
    const keys = await deriveKeys({}, engine)
    const sealer = await createSealer(keys, { epochIndex: 0 })
    const printed = inspect([keys, sealer], { depth: 8, showHidden: true, maxArrayLength: null, maxStringLength: null })
    expect(printed).not.toContain(strongKey)
    // The first bytes of K_epoch, in hex as a Buffer prints and in decimals as a Uint8Array does.
    expect(printed).not.toContain('ffce97')
    expect(printed).not.toContain('255, 206, 151')
    expect(JSON.stringify([keys, sealer])).not.toContain(strongKey)
  })
})

it.each([webCryptoEngine, browserEngine])('[ENV-8] $name imports nothing that can be exported', async (engine) => {
  const importKey = vi.spyOn(crypto.subtle, 'importKey')
  const deriveKey = vi.spyOn(crypto.subtle, 'deriveKey')
  const keys = await deriveKeys({}, engine)
  await createSealer(keys, { epochIndex: 0 })
  await keys.openingKey(1, salt)
  await keys.selfTag(text('a'))
  expect(importKey.mock.calls.length).toBeGreaterThan(1)
  expect(deriveKey.mock.calls.length).toBe(2)
  for (const call of importKey.mock.calls) expect(call[3]).toBe(false)
  for (const call of deriveKey.mock.calls) expect(call[3]).toBe(false)
})

it('[ENV-8] the raw bytes of K_epoch are zeroed as soon as the engine has taken them in', async () => {
  const taken: Uint8Array[] = []
  const engine = {
    ...webCryptoEngine,
    root: (secret: Uint8Array) => {
      taken.push(secret)
      return webCryptoEngine.root(secret)
    },
  }
  await deriveKeys({}, engine)
  expect(taken.map(hex)).toEqual(['00'.repeat(32)])
})

it('[ENV-12] a relay that invents salts makes nobody keep more than 1,024 opening keys', async () => {
  let derived = 0
  const engine: typeof webCryptoEngine = {
    ...webCryptoEngine,
    root: async (secret) => {
      const root = await webCryptoEngine.root(secret)
      async function openingKey() {
        derived++
        return { open: async () => undefined }
      }
      return { ...root, openingKey }
    },
  }
  const keys = await deriveKeys({}, engine)
  const saltOf = (n: number) => Uint8Array.from({ length: 16 }, (_, i) => (n >> (8 * i)) & 0xff)
  await keys.openingKey(1, saltOf(0))
  for (let n = 1; n <= 2000; n++) {
    await keys.openingKey(1, saltOf(n))
    await keys.openingKey(1, saltOf(0))
  }
  expect(derived).toBe(2001)
  await keys.openingKey(1, saltOf(2000))
  expect(derived).toBe(2001)
  await keys.openingKey(1, saltOf(1))
  expect(derived).toBe(2002)
})
