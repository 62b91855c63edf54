import { ContractError } from '@y-sealed/key-client/contract'
import { KeyError, SealedError } from 'y-sealed'
import { NoAnswer } from './conformance/exchange.ts'

/** What the process ends with: 0 is done. Documented in the README; scripts rely on it. */
export const EXIT = {
  /** What was looked at is not as it should be: a rule is not kept, a log is damaged, a document has content already. */
  found: 1,
  /** Wrong arguments, a file that cannot be read: nothing was looked at. */
  usage: 2,
  /** The relay is out of reach, or lets us do nothing. */
  relay: 3,
  /** There is no key, or another than the document was sealed with. */
  keys: 4,
  /** What the relay shows, or a member has written, contradicts the rest: some of it is missing, or nothing can be trusted. */
  contradiction: 5,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Why a command did not do what it was asked for. Its message never has a secret, nor anything of a document. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly code: string
  readonly exitCode: ExitCode

  constructor(code: string, message: string, exitCode: ExitCode) {
    super(message)
    this.code = code
    this.exitCode = exitCode
  }
}

const RELAY: readonly string[] = [
  ...['auth-required', 'authentication-failed', 'session-revoked', 'document-deleted', 'write-denied', 'limit'],
  ...['update-required', 'interrupted'],
]

/** Any error, as what is printed and what the process ends with. Words of errors that are not ours are not repeated: they may quote anything. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error
  if (error instanceof NoAnswer) return new Failure('endpoint-unavailable', error.message, EXIT.usage)
  if (error instanceof KeyError) return new Failure(error.code, error.message, EXIT.keys)
  if (error instanceof ContractError) return new Failure(error.code, error.message, EXIT.usage)
  if (error instanceof SealedError) return new Failure(error.code, `${error.message} (${error.action})`, exitOf(error))
  // Ours throw these for what the caller has given; they name the part, not its content.
  if (error instanceof TypeError || error instanceof RangeError) return new Failure('usage', error.message, EXIT.usage)
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : ''
  return new Failure('internal', `failed${code}`, EXIT.usage)
}

function exitOf({ code }: SealedError): ExitCode {
  if (code.startsWith('key-') && code !== 'key-rotated') return EXIT.keys
  if (RELAY.includes(code)) return EXIT.relay
  return code === 'unsupported' || code === 'internal' ? EXIT.usage : EXIT.contradiction
}
