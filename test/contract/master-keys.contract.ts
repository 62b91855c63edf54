import { randomBytes } from 'node:crypto'
import type { IssuedKey, KeyStore, MasterKey, MasterKeyHook } from '@y-sealed/key-endpoint'
import { describe, expect, it, onTestFinished } from 'vitest'

type Open = (masterKeys: readonly MasterKey[]) => Promise<KeyStore>

/** A KMS: what is wrapped is what only it can read. `asked` counts. */
export function fakeKms(id: string): MasterKeyHook & { asked: number } {
  const safe: Buffer[] = []
  return {
    id,
    asked: 0,
    async wrap(key) {
      this.asked++
      safe.push(Buffer.from(key))
      return Buffer.from(`in the safe: ${safe.length - 1}`)
    },
    async unwrap(wrapped) {
      this.asked++
      const key = safe[Number(/^in the safe: (\d+)$/.exec(Buffer.from(wrapped).toString())?.[1])]
      if (!key) throw new Error('not from this safe')
      return key
    },
  }
}

/** What every store promises of the keys that seal its keys. `create` gives an empty database, which may be opened again and again. */
export function describeMasterKeys(name: string, create: () => Promise<Open>): void {
  const database = async () => {
    const open = await create()
    return async (...masterKeys: MasterKey[]) => {
      const store = await open(masterKeys)
      onTestFinished(() => store.close().catch(() => {}))
      return store
    }
  }

  describe(`master keys of the ${name} key store`, () => {
    it('are replaced without a moment in which a key is not answered; then the old one opens nothing', async () => {
      const [old, young] = [randomBytes(32), randomBytes(32)]
      const open = await database()
      const before = await open(old)
      const issued: IssuedKey[] = []
      for (let document = 0; document < 120; document++) issued.push(await before.currentOrNew(`doc-${document}`))

      // Each instance in its turn learns to read what is to come, and only then anybody writes it.
      const reading = await open(old, young)
      const writing = await open(young, old)
      const fresh = await writing.currentOrNew('fresh')
      expect(await reading.find('fresh', fresh.keyHint)).toEqual(fresh)
      const answers = async (store: KeyStore) =>
        await Promise.all(issued.map(({ keyHint }, index) => store.find(`doc-${index}`, keyHint)))
      const [during, count] = await Promise.all([answers(reading), writing.rewrap()])
      expect(during).toEqual(issued)
      expect(count).toBe(120)
      expect(await answers(reading)).toEqual(issued)

      await expect(open(old)).rejects.toMatchObject({ code: 'master-key-wrong' })
      expect(await answers(await open(young))).toEqual(issued)
    })

    it('that are not all of those needed are refused at once, before and after', async () => {
      const [old, young] = [randomBytes(32), randomBytes(32)]
      const open = await database()
      const { keyHint, key } = await (await open(old)).currentOrNew('doc-1')
      await expect(open(young)).rejects.toMatchObject({ code: 'master-key-wrong' })
      // Half of a rotation: something is under either.
      await (await open(young, old)).currentOrNew('doc-2')
      await expect(open(young)).rejects.toMatchObject({ code: 'master-key-wrong' })
      await expect(open(old)).rejects.toMatchObject({ code: 'master-key-wrong' })
      expect((await (await open(old, young)).find('doc-1', keyHint))?.key).toBe(key)
    })

    it('may be in a KMS, which is asked once a start and whose key can be replaced like another', async () => {
      const [kms, file] = [fakeKms('kms-1'), randomBytes(32)]
      const open = await database()
      const first = await open(kms)
      const issued = await Promise.all(Array.from({ length: 20 }, (_, index) => first.currentOrNew(`doc-${index}`)))
      // Wrapped and unwrapped once.
      expect(kms.asked).toBe(2)
      const second = await open(kms)
      expect(await second.find('doc-7', issued[7]!.keyHint)).toEqual(issued[7])
      expect(kms.asked).toBe(3)
      await expect(open(fakeKms('kms-1'))).rejects.toThrow('not from this safe')

      await (await open(file, kms)).rewrap()
      expect(await (await open(file)).find('doc-7', issued[7]!.keyHint)).toEqual(issued[7])
      await expect(open(kms)).rejects.toMatchObject({ code: 'master-key-wrong' })
    })
  })
}
