/** Lower-case hexadecimal: the form in which salts and hashes are map keys. */
export function hex(bytes: Uint8Array): string {
  let out = ''
  for (const byte of bytes) out += byte.toString(16).padStart(2, '0')
  return out
}

/** Enough to tell the sealers of a document apart, for people who compare what they see. */
export function shortHex(bytes: Uint8Array): string {
  return hex(bytes.subarray(0, 4))
}

/** The same of a salt that is hex already. */
export function shortName(salt: string): string {
  return salt.slice(0, 8)
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
