export { equalBytes } from '@y-sealed/envelope'

/** Lower-case hexadecimal: the form in which salts and hashes are map keys. */
export function hex(bytes: Uint8Array): string {
  let out = ''
  for (const byte of bytes) out += byte.toString(16).padStart(2, '0')
  return out
}

/** The first 4 bytes of a salt: enough to tell the sealers of a document apart, for people who compare what they see. A string is hex already. */
export function shortName(salt: Uint8Array | string): string {
  return typeof salt === 'string' ? salt.slice(0, 8) : hex(salt.subarray(0, 4))
}
