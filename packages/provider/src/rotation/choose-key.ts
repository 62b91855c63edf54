import type { ChainedEpoch } from '../epoch/chained-epoch.ts'
import { type FreshKey, isKeyOf } from '../epoch/epoch.ts'
import type { KeyDesk } from '../epoch/key-desk.ts'
import { SealedError } from '../sealed-error.ts'
import type { RotationGoal } from './rotator.ts'

/**
 * Asks the endpoint for the key of the next epoch, and takes none that was used before (protocol §5). Throws KeyError; SealedError
 * `rotation-unsupported`, `rollback` where somebody has opened an epoch with that key, `key-weak`.
 */
export async function chooseKey(
  keyDesk: KeyDesk,
  { after, isForced, present }: RotationGoal,
  known: readonly ChainedEpoch[],
  documentId: string,
): Promise<FreshKey> {
  let fresh = await keyDesk.askFresh(after)
  // The endpoint knows of an epoch with this key, which is lost: a person has decided to go on without it.
  if (isForced && typeof fresh.state.record === 'string') fresh = await keyDesk.askFresh(fresh.keyHint)
  const isUsed = known.some(({ parsed }) => parsed.keyHint === fresh.keyHint)
  if (isUsed || (await isKeyOf(fresh.key, present, documentId)))
    throw unsupported('gave a key or a hint that was used before')
  if (!fresh.state.active) throw unsupported('gave a new key that is retired already')
  if (typeof fresh.state.record === 'string') {
    // Said by whoever opened it: the relay that granted the lease does not show it.
    throw new SealedError('rollback', 'the endpoint knows of an epoch that the relay does not show', 'keys')
  }
  return fresh
}

const unsupported = (what: string) => new SealedError('rotation-unsupported', `the key source ${what}`, 'keys')
