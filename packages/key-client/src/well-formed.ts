// With the u flag a surrogate pair is one code point, so only a surrogate without its partner matches.
const LONE_SURROGATE = /\p{Surrogate}/u

/**
 * True if the string has a UTF-8 form of its own. Every lone surrogate encodes to the same three bytes, so that without
 * this check 2,049 different strings would be one key.
 */
export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text)
}
