import { createHmac } from 'node:crypto'
import { KeyServerError } from '../key-server-error.ts'
import { SECRET_KEY_BYTES } from '../secret-key.ts'
import type { Settings } from './key-rows.ts'
import { createMasterKey, type MasterKey } from './master-key.ts'

/** What secrets are sealed under: a master key itself, or what a KMS has unwrapped. */
export interface SealingKey {
  /** Tells, without the key, which one a row belongs to. */
  readonly id: string
  readonly bytes: Buffer
}

/** By id. The first seals; the others open what they have sealed before. */
export class SealingKeys {
  readonly newest: SealingKey
  readonly #byId: ReadonlyMap<string, SealingKey>

  constructor(keys: readonly SealingKey[]) {
    const [newest] = keys
    if (!newest) throw noMasterKey()
    this.newest = newest
    this.#byId = new Map(keys.map((key) => [key.id, key]))
  }

  /** @throws KeyServerError `master-key-wrong`; `store-damaged` for null: something sealed is always under some key */
  get(id: string | null): SealingKey {
    if (id === null) throw new KeyServerError('store-damaged', 'a stored key cannot be opened')
    const key = this.#byId.get(id)
    if (!key) throw new KeyServerError('master-key-wrong', 'keys were sealed under another master key')
    return key
  }
}

function sealingKey(bytes: Uint8Array): SealingKey {
  const id = createHmac('sha256', bytes).update('y-sealed/key-endpoint/v1/master-key').digest('base64url')
  return { id, bytes: Buffer.from(bytes) }
}

export function noMasterKey(): KeyServerError {
  return new KeyServerError('master-key-missing', 'a master key is needed: none was given')
}

/** @throws KeyServerError `master-key-missing`, `master-key-invalid` */
export function sealingKeysOf(masterKeys: readonly Uint8Array[]): SealingKeys {
  return new SealingKeys(masterKeys.map((key) => sealingKey(checked(key))))
}

/**
 * Asks the hooks, which may be made a key of their own for this database.
 * @throws KeyServerError `master-key-missing`, `master-key-invalid`, and what a hook throws
 */
export async function resolveSealingKeys(masterKeys: readonly MasterKey[], settings: Settings): Promise<SealingKeys> {
  return new SealingKeys(await Promise.all(masterKeys.map((masterKey) => resolve(masterKey, settings))))
}

async function resolve(masterKey: MasterKey, settings: Settings): Promise<SealingKey> {
  if (masterKey instanceof Uint8Array) return sealingKey(checked(masterKey))
  const { id } = masterKey
  const wrapped = await settings.keep(`wrapped:${id}`, async () =>
    Buffer.from(await masterKey.wrap(createMasterKey())).toString('base64'),
  )
  return sealingKey(checked(await masterKey.unwrap(Buffer.from(wrapped, 'base64'))))
}

function checked(key: Uint8Array): Uint8Array {
  if (key.length === SECRET_KEY_BYTES) return key
  throw new KeyServerError('master-key-invalid', `a master key has ${SECRET_KEY_BYTES} bytes`)
}
