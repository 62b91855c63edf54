import {
  deriveEpochKeys,
  type Engine,
  type EpochKeys,
  type EpochParameters,
  parseDocumentKey,
} from '@y-sealed/envelope'

const KEY = parseDocumentKey('correct-horse-battery-staple-0123456789AB')

const PARAMETERS: EpochParameters = {
  documentId: 'doc-1',
  keyHint: 'hint-0',
  suite: 1,
  stretch: 0,
  nonce: Uint8Array.from({ length: 16 }, (_, i) => i * 7),
  ext: new Uint8Array(0),
}

/** The keys that the fuzzer has: what it seals with them has a valid tag. */
export function knownKeys(engine?: Engine, changes: Partial<EpochParameters> = {}): Promise<EpochKeys> {
  return deriveEpochKeys(KEY, { ...PARAMETERS, ...changes }, engine)
}

export const SALT = Uint8Array.from({ length: 16 }, (_, i) => 0xa0 + i)
