import { readFileSync } from 'node:fs'
import {
  deriveEpochKeys,
  type Engine,
  EnvelopeError,
  type EpochKeys,
  type EpochParameters,
  parseDocumentKey,
} from '@y-sealed/envelope'
import { browserEngine, nobleEngine, nodeEngine, webCryptoEngine } from '@y-sealed/envelope/testing'

export const engines: Engine[] = [nodeEngine, webCryptoEngine, nobleEngine, browserEngine]

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
export const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
/** For long byte strings, which `toEqual` compares one number at a time. */
export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

export const text = (value: string): Uint8Array => new TextEncoder().encode(value)

/** Bytes that no run or repetition makes look like padding; the vectors name bodies by length. */
export const bodyOf = (lengthBytes: number): Uint8Array =>
  Uint8Array.from({ length: lengthBytes }, (_, i) => (i * 31 + (i >> 8) * 7 + 1) & 0xff)

export const strongKey = parseDocumentKey('correct-horse-battery-staple-0123456789AB')

export const parameters: EpochParameters = {
  documentId: 'doc-1',
  keyHint: 'hint-0',
  suite: 1,
  stretch: 0,
  nonce: unhex('05848cf786ab034e2c3140b1fd703277'),
  ext: new Uint8Array(0),
}

export const birth = { sequence: 0, hash: new Uint8Array(32).fill(7) }

export const deriveKeys = (changes: Partial<EpochParameters> = {}, engine?: Engine): Promise<EpochKeys> =>
  deriveEpochKeys(strongKey, { ...parameters, ...changes }, engine)

/** The error a call ends in, by throwing or by rejecting; fails if it ends well. */
export async function errorOf(call: () => unknown): Promise<EnvelopeError> {
  try {
    await call()
  } catch (error) {
    if (error instanceof EnvelopeError) return error
    throw error
  }
  throw new Error('it ended well')
}

export const vector = (name: string): URL => new URL(`../../vectors/envelope/${name}`, import.meta.url)

/** The caller names the shape of a vector file of ours, which JSON.parse cannot know. */
export const readVector = <T>(name: string): T => JSON.parse(readFileSync(vector(name), 'utf8')) as T
