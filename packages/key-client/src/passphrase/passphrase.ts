import { toBase64url } from '../base64url.ts'
import { KeyError } from '../key-error.ts'
import type { KeySource } from '../key-source.ts'
import { refuseUnknownOptions } from '../known-options.ts'
import { isWellFormed } from '../well-formed.ts'
import {
  type Argon2Parameters,
  DEFAULT_COST,
  encodeArgon2Hint,
  faultOfCost,
  parseArgon2Hint,
  SALT_BYTES,
} from './argon2-hint.ts'
import { deriveArgon2id } from './derive.ts'

/** The strength of AES-256. As base64url it is a key that needs no further stretching. */
const KEY_BYTES = 32

/** Nobody types more; what is longer is a file by mistake. In UTF-16 units. */
const MAX_PASSPHRASE_UNITS = 1_024

/** Derived keys that are kept: an epoch costs a second each time it is asked for. */
const MAX_KEPT = 32

export interface PassphraseOptions {
  /** For new epochs: KiB of memory, 19,456 to 262,144, default 65,536. */
  readonly memoryKiB?: number
  /** For new epochs: 2 to 16, default 3; with the memory at most 1,048,576 KiB in all passes. */
  readonly passes?: number
}

const OPTION_NAMES = ['memoryKiB', 'passes'] as const satisfies (keyof PassphraseOptions)[]

/**
 * Keys derived from words that people know: Argon2id, with salt and cost in the hint, which is public. Each null makes a new salt, so that a document
 * can rotate; whoever knows the words can open all of its epochs. Words are compared as NFC: however a keyboard writes an accent, it is one passphrase.
 *
 * @param words 1 to 1,024 UTF-16 units; a function is called whenever a key is asked for, and may ask a person
 * @throws RangeError for a cost out of bounds. The source throws KeyError `key-invalid` for words or hints out of bounds, `key-unknown` for another source's hint
 */
export function passphrase(
  words: string | (() => string | PromiseLike<string>),
  options: PassphraseOptions = {},
): KeySource {
  refuseUnknownOptions('passphrase', options, OPTION_NAMES)
  const cost = { ...DEFAULT_COST, ...options }
  const fault = faultOfCost(cost)
  if (fault !== undefined) throw new RangeError(`passphrase: ${fault}`)
  if (typeof words === 'string') checkWords(words)

  const kept = new Map<string, { readonly text: string; readonly key: string }>()
  let turn: Promise<unknown> = Promise.resolve()

  /** One after the other: two at once would take twice the memory. */
  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = turn.then(work)
    turn = result.catch(() => {})
    return result
  }

  async function keyOf(text: string, parameters: Argon2Parameters, signal: AbortSignal | undefined): Promise<string> {
    const hint = encodeArgon2Hint(parameters)
    const known = kept.get(hint)
    if (known?.text === text) return known.key
    if (signal?.aborted) throw new KeyError('key-unavailable', 'the passphrase was not needed any more')
    const password = new TextEncoder().encode(text)
    const key = toBase64url(await deriveArgon2id({ ...parameters, password, keyBytes: KEY_BYTES }, signal))
    password.fill(0)
    kept.set(hint, { text, key })
    for (const oldest of kept.keys()) if (kept.size > MAX_KEPT) kept.delete(oldest)
    return key
  }

  return async ({ keyHint }, { signal } = {}) => {
    const parameters =
      keyHint === null
        ? { ...cost, salt: crypto.getRandomValues(new Uint8Array(SALT_BYTES)) }
        : parseArgon2Hint(keyHint)
    const text = checkWords(typeof words === 'function' ? await words() : words)
    const key = await inTurn(() => keyOf(text, parameters, signal))
    return { key, keyHint: encodeArgon2Hint(parameters) }
  }
}

/** @returns the words as NFC @throws KeyError `key-invalid` */
function checkWords(words: unknown): string {
  if (typeof words === 'string' && words !== '' && words.length <= MAX_PASSPHRASE_UNITS && isWellFormed(words)) {
    return words.normalize('NFC')
  }
  const expected = `expected 1 to ${MAX_PASSPHRASE_UNITS} units of well-formed text`
  throw new KeyError('key-invalid', `passphrase: ${expected}`, { fault: 'caller' })
}
