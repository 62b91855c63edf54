const ALPHABET = /^[A-Za-z0-9+/_-]*={0,2}$/

/** RFC 4648 §5, without padding. */
export function toBase64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

/** The bytes of base64 or base64url, padded or not; undefined for what is neither, or has more than one spelling. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (!ALPHABET.test(text)) return undefined
  const plain = text.replaceAll('-', '+').replaceAll('_', '/').replaceAll('=', '')
  try {
    const bytes = Uint8Array.from(atob(plain), (unit) => unit.charCodeAt(0))
    // Bits at the end that mean nothing must be zero.
    return btoa(String.fromCharCode(...bytes)).replaceAll('=', '') === plain ? bytes : undefined
  } catch {
    return undefined
  }
}
