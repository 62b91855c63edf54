import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { sharedData } from '../../support/shared-data.ts'
import { engines, hex, unhex } from './fixtures.ts'

interface Suite<Group, Test> {
  testGroups: (Group & { tests: (Test & { tcId: number; result: 'valid' | 'invalid' | 'acceptable' })[] })[]
}
type Aead = Suite<
  { ivSize: number; keySize: number; tagSize: number },
  Record<'key' | 'iv' | 'aad' | 'msg' | 'ct' | 'tag', string>
>
type Hkdf = Suite<object, Record<'ikm' | 'salt' | 'info' | 'okm', string> & { size: number }>
type Mac = Suite<{ keySize: number; tagSize: number }, Record<'key' | 'msg' | 'tag', string>>
type Pbkdf = Suite<object, Record<'password' | 'salt' | 'dk', string> & { iterationCount: number; dkLen: number }>

/** The test vectors of a Wycheproof file, or none where the file is absent: the test is then skipped by name. */
function load<S>(name: string): S | undefined {
  const path = sharedData(`wycheproof/${name}.json`)
  // Wycheproof's own schema vouches for the shape.
  return path === undefined ? undefined : (JSON.parse(readFileSync(path, 'utf8')) as S)
}
const aead = load<Aead>('aes_gcm_test')
const hkdf = load<Hkdf>('hkdf_sha256_test')
const mac = load<Mac>('hmac_sha256_test')
const pbkdf = load<Pbkdf>('pbkdf2_hmacsha256_test')

// RFC 5869 §2.3: 255 blocks of SHA-256.
const MAX_HKDF_BYTES = 255 * 32

describe.each(engines)('Wycheproof with $name', (engine) => {
  it.skipIf(!aead)('[ENV-29] AES-256-GCM, 96-bit nonces', async () => {
    let checked = 0
    for (const group of aead?.testGroups ?? []) {
      if (group.keySize !== 256 || group.ivSize !== 96 || group.tagSize !== 128) continue
      for (const { tcId, key, iv, aad, msg, ct, tag, result } of group.tests) {
        const [nonce, bound, ciphertext] = [unhex(iv), unhex(aad), unhex(ct + tag)]
        const opened = await (await engine.openingKey(unhex(key))).open(nonce, bound, ciphertext)
        expect(opened && hex(opened), `case ${tcId}`).toBe(result === 'valid' ? msg : undefined)
        if (result !== 'valid') continue
        const sealer = await engine.sealingKey(unhex(key))
        expect(hex(await sealer.seal(nonce, bound, unhex(msg))), `case ${tcId}`).toBe(ct + tag)
        if (engine.name !== 'webcrypto') expect(hex(sealer.sealNow(nonce, bound, unhex(msg)))).toBe(ct + tag)
        checked++
      }
    }
    expect(checked).toBeGreaterThan(30)
  })

  it.skipIf(!hkdf)('[ENV-29] HKDF-SHA-256', async () => {
    let checked = 0
    for (const { tests } of hkdf?.testGroups ?? []) {
      for (const { tcId, ikm, salt, info, size, okm, result } of tests) {
        // Too long an output is invalid; node:crypto and Node's WebCrypto also refuse an info over 1,024 bytes.
        if (size > MAX_HKDF_BYTES || unhex(info).length > 1024) continue
        expect(result).toBe('valid')
        expect(hex(await engine.hkdf(unhex(ikm), unhex(salt), unhex(info), size)), `case ${tcId}`).toBe(okm)
        checked++
      }
    }
    expect(checked).toBeGreaterThan(70)
  })

  it.skipIf(!mac)('[ENV-29] HMAC-SHA-256', async () => {
    let checked = 0
    for (const { tests, tagSize } of mac?.testGroups ?? []) {
      if (tagSize !== 256) continue
      for (const { tcId, key, msg, tag, result } of tests) {
        const made = hex(await engine.hmac(unhex(key), unhex(msg)))
        expect(made === tag, `case ${tcId}`).toBe(result === 'valid')
        checked++
      }
    }
    expect(checked).toBeGreaterThan(50)
  })

  it.skipIf(!pbkdf)('[ENV-29] PBKDF2-HMAC-SHA-256', { timeout: 60_000 }, async () => {
    let checked = 0
    for (const { tests } of pbkdf?.testGroups ?? []) {
      for (const { tcId, password, salt, iterationCount, dkLen, dk } of tests) {
        // The long ones tell nothing more, and noble is slow. WebKitGTK refuses an empty password; what we stretch is never empty.
        if (iterationCount > 5000 || password === '') continue
        const made = await engine.pbkdf2(unhex(password), unhex(salt), iterationCount, dkLen)
        expect(hex(made), `case ${tcId}`).toBe(dk)
        checked++
      }
    }
    expect(checked).toBeGreaterThan(30)
  })
})
