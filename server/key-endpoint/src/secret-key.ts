/** AES-256's, and what `openssl rand -base64 32` makes. */
export const SECRET_KEY_BYTES = 32

/** Of 32 random bytes some 30 differ; fewer than this do not occur in the life of the universe. */
const MIN_DIFFERENT = 14

const PRINTABLE_ASCII = /^[\x20-\x7e\r\n\t]*$/

/**
 * 32 random bytes in base64; white space around them is ignored. In the other case what is wrong with it, which quotes nothing: a text that
 * somebody typed, a pattern and a counter are no keys.
 */
export function parseSecretKey(text: string): Buffer | string {
  const trimmed = text.trim()
  const key = Buffer.from(trimmed, 'base64')
  if (key.length !== SECRET_KEY_BYTES || key.toString('base64') !== trimmed) {
    return `does not hold ${SECRET_KEY_BYTES} bytes in base64`
  }
  return isWeak(key) ? 'holds a pattern or a text, not 32 random bytes: make one with "openssl rand -base64 32"' : key
}

function isWeak(key: Buffer): boolean {
  const steps = key.map((byte, index) => byte - (key[index - 1] ?? 0))
  return (
    different(key) < MIN_DIFFERENT || different(steps) < MIN_DIFFERENT || PRINTABLE_ASCII.test(key.toString('latin1'))
  )
}

function different(bytes: Uint8Array): number {
  return new Set(bytes).size
}
