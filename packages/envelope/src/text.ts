const encoder = new TextEncoder()

export const encodeText = (text: string): Uint8Array => encoder.encode(text)

/** False if the string holds a lone surrogate. TextEncoder maps all of those to one character: 2,049 strings, one key. */
export const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text)

/** Parses UTF-8 strictly; a byte order mark is text like any other. Throws TypeError. */
export const parseText = (bytes: Uint8Array): string =>
  new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
