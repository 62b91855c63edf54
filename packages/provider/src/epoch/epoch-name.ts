import { fingerprint } from '@y-sealed/envelope'
import type { Epoch } from './epoch.ts'

/** An epoch, as people speak of it. */
export interface EpochName {
  readonly index: number
  /** Public and opaque; names the key at the endpoint. */
  readonly keyHint: string
  /** Of the epoch's key: two people who see the same one have the same key. */
  readonly fingerprint: string
}

export function nameOf({ index, keyHint, keys }: Epoch): EpochName {
  return { index, keyHint, fingerprint: fingerprint(keys.epochId) }
}
