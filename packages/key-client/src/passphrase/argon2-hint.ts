import { toBase64url } from '../base64url.ts'
import { KeyError } from '../key-error.ts'

/** What is spent on each guess, and the salt that makes one table of guesses useless for two documents. Version 0x13 of Argon2id, one lane. */
export interface Argon2Parameters {
  /** 16 bytes. */
  readonly salt: Uint8Array
  readonly memoryKiB: number
  readonly passes: number
}

export const SALT_BYTES = 16

/** RFC 9106 §4, second choice, with one lane for its four: they would not run side by side here. About a second where a person waits. */
export const DEFAULT_COST = { memoryKiB: 64 * 1024, passes: 3 } as const

/** The least that OWASP's page on password storage still calls enough: less is a mistake, or somebody who wants to guess cheaply. */
const MIN_COST = { memoryKiB: 19 * 1024, passes: 2 } as const

/**
 * Hints come from a relay that is not trusted: what one costs at most is a quarter of a gigabyte, which a phone's page is still given, and a GiB written in all, some six
 * seconds of a slow machine.
 */
const MAX_COST = { memoryKiB: 256 * 1024, passes: 16, writtenKiB: 1024 * 1024 } as const

// The PHC string format with its members in the order of Argon2's own tools, and one spelling for each value.
const HINT = /^\$argon2id\$v=19\$m=([1-9]\d{0,9}),t=([1-9]\d{0,9}),p=1\$([A-Za-z0-9+/]{21}[AQgw])$/

/** `$argon2id$v=19$m=65536,t=3,p=1$<salt>`: what the hint of a passphrase looks like. */
export function encodeArgon2Hint({ salt, memoryKiB, passes }: Argon2Parameters): string {
  const text = toBase64url(salt).replaceAll('-', '+').replaceAll('_', '/')
  return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=1$${text}`
}

/**
 * The parameters that a hint names. Nothing is derived, nor set aside, before they are known to be within the bounds.
 * @throws KeyError `key-unknown` for the hint of something else than a passphrase, `key-invalid` for too little or too much
 */
export function parseArgon2Hint(hint: string): Argon2Parameters {
  const [, memory, passes, salt] = HINT.exec(hint) ?? []
  if (memory === undefined || passes === undefined || salt === undefined) {
    throw new KeyError('key-unknown', 'the document was sealed under another hint than a passphrase has')
  }
  const parameters = {
    salt: Uint8Array.from(atob(salt), (unit) => unit.charCodeAt(0)),
    memoryKiB: Number(memory),
    passes: Number(passes),
  }
  const fault = faultOfCost(parameters)
  if (fault !== undefined) throw new KeyError('key-invalid', `the hint of the passphrase: ${fault}`)
  return parameters
}

/** What is wrong with such a cost; undefined: nothing. */
export function faultOfCost({ memoryKiB, passes }: Omit<Argon2Parameters, 'salt'>): string | undefined {
  if (!isWhole(memoryKiB, MIN_COST.memoryKiB, MAX_COST.memoryKiB)) {
    return `expected ${MIN_COST.memoryKiB} to ${MAX_COST.memoryKiB} KiB of memory, got ${memoryKiB}`
  }
  if (!isWhole(passes, MIN_COST.passes, MAX_COST.passes)) {
    return `expected ${MIN_COST.passes} to ${MAX_COST.passes} passes, got ${passes}`
  }
  const writtenKiB = memoryKiB * passes
  return writtenKiB > MAX_COST.writtenKiB
    ? `expected at most ${MAX_COST.writtenKiB} KiB in all passes, got ${writtenKiB}`
    : undefined
}

const isWhole = (value: number, min: number, max: number): boolean =>
  Number.isSafeInteger(value) && value >= min && value <= max
