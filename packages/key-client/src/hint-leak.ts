/** What a hint must not be: it stands in clear at the relay, in its backups and in every member's requests. */
export type HintLeak = 'the key itself' | 'an access token' | 'an e-mail address'

/** Shorter keys are found in hints by accident, and are told of as guessable anyway. In UTF-16 units. */
const MIN_FOUND_UNITS = 8

// The header of a JSON Web Token is an object, whose base64url begins like this.
const TOKEN = /eyJ[\w-]{8,}\.[\w-]{8,}/
const ADDRESS = /[^\s@]@[^\s@.]+\.[^\s@]/

/** What a hint gives away, as far as it can be seen; undefined: nothing. */
export function hintLeak(keyHint: string, key: string): HintLeak | undefined {
  if (keyHint === key || (key.length >= MIN_FOUND_UNITS && keyHint.includes(key))) return 'the key itself'
  if (TOKEN.test(keyHint)) return 'an access token'
  return ADDRESS.test(keyHint) ? 'an e-mail address' : undefined
}
