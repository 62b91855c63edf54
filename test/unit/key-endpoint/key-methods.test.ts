import { hkdfSync } from 'node:crypto'
import { DatabaseSync } from '@photostructure/sqlite'
import { fixedKeys, openSqliteKeyStore, parseGlobalKeys, saltedKeys } from '@y-sealed/key-endpoint'
import { describe, expect, it } from 'vitest'
import { keyOfSecret } from '../../../server/key-endpoint/src/methods/key-of-secret.ts'
import { temporaryDirectory } from './fixtures.ts'

const GLOBAL_KEY = 'Cxs9wUtRmU0c4NQ2yqrQwEZ1H1lRk9mA0mXo0bq3tXQ='

describe('a derivation', () => {
  /** The formula once more, by other means: a length, a text, for each of three texts. */
  function expected(secret: Buffer | string, salt: string, label: string): string {
    const texts = [salt, 'doc-é', 'a hint'].map((text) => Buffer.from(text))
    const context = Buffer.concat(texts.flatMap((text) => [Buffer.from([0, text.length]), text]))
    return Buffer.from(hkdfSync('sha256', secret, context, `y-sealed/key-endpoint/v1/${label}`, 32)).toString(
      'base64url',
    )
  }
  const place = { documentId: 'doc-é', keyHint: 'a hint' }

  it('of a global key and a salt gives the same key for ever', () => {
    const globalKeys = parseGlobalKeys(`# the newest\n\n${GLOBAL_KEY}\n`)
    const [[name = '', key] = []] = [...globalKeys]
    const secret = 'a salt that no client sees'
    const derived = keyOfSecret({ ...place, origin: `derived:${name}`, secret }, globalKeys)
    expect([name, derived]).toEqual(['xFlz9nkhgpp', 'Ivl4O-QYL5sl-UGcR4U_ApUBEcvA4KzVM1XpPfqNaLA'])
    expect(derived).toBe(expected(key ?? '', secret, 'derived'))
  })

  it("of a document's key and the salt in the hint, too", () => {
    const secret = 'the key of the document'
    const salted = keyOfSecret({ ...place, origin: 'salted', secret }, undefined)
    expect(salted).toBe('i5gxnuPIiMg1UcdosXd3mNTYGXMsfaXnmaEzb0IrjsE')
    expect(salted).toBe(expected(secret, 'a hint', 'salted'))
  })

  it('of a kind that this version does not know is refused', () => {
    expect(() => keyOfSecret({ ...place, origin: 'quantum', secret: 's' }, undefined)).toThrow(
      expect.objectContaining({ code: 'store-unsupported' }),
    )
  })
})

describe('a thief who can write to the database', () => {
  it.each([
    ['salted', saltedKeys],
    ['fixed', fixedKeys],
  ])('cannot have the secret of a %s key answered as if it were a key of another kind', async (origin, method) => {
    const directory = temporaryDirectory()
    const store = openSqliteKeyStore(directory)
    const { keyHint } = await store.using(method).currentOrNew('doc-1')
    await store.close()
    const db = new DatabaseSync(`${directory}/keys.sqlite`)
    db.exec(`UPDATE document_keys SET origin = '${origin === 'fixed' ? 'salted' : 'stored'}'`)
    db.close()
    const again = openSqliteKeyStore(directory)
    await expect(again.find('doc-1', keyHint)).rejects.toThrow('a stored key cannot be opened')
    await again.close()
  })
})

describe('a list of global keys', () => {
  it.each([
    ['empty', '\n# nothing\n', 'there is none'],
    ['with a text in it', `${GLOBAL_KEY}\nhunter2`, 'line 2 does not hold'],
    ['with zeros in it', Buffer.alloc(32).toString('base64'), 'line 1 holds a pattern'],
  ])('%s is refused, by its line and without what is in it', (_what, text, sentence) => {
    expect(() => parseGlobalKeys(text)).toThrow(expect.objectContaining({ code: 'global-keys-invalid' }))
    expect(() => parseGlobalKeys(text)).toThrow(sentence)
    expect(() => parseGlobalKeys(text)).not.toThrow('hunter2')
  })
})
