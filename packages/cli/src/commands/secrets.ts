import { readFileSync } from 'node:fs'
import { EXIT, Failure } from '../failure.ts'
import type { Surroundings } from '../surroundings.ts'

/** Longer is no key, passphrase or token, but the wrong file. */
const MAX_SECRET_BYTES = 64 * 1024

/** What people would type, and what everybody on the machine would then read in the list of processes. */
const IN_ARGUMENTS = /^--(token|key|passphrase|authorization|headers?)(=|$)/

/** Refuses arguments that would carry a secret. Throws Failure `usage`, without the secret. */
export function refuseSecretsIn(args: readonly string[]): void {
  const found = args.find((argument) => IN_ARGUMENTS.test(argument))?.split('=')[0]
  if (found === undefined) return
  throw new Failure(
    'usage',
    `${found}: arguments stand in the list of processes; see --help for a file or a variable`,
    EXIT.usage,
  )
}

/** A secret from a file, or else from an environment variable: without the line end that editors put behind it. Throws Failure. */
export function readSecret(around: Surroundings, path: string | undefined, variable: string): string | undefined {
  if (path === undefined) return around.env[variable]
  const bytes = readInput(around, path)
  if (bytes.length > MAX_SECRET_BYTES) throw new Failure('usage', `${path} is too long for a secret`, EXIT.usage)
  return bytes.toString('utf8').replace(/\r?\n$/, '')
}

/** A file, or standard input where it is `-`. Throws Failure, which names the file. */
export function readInput(around: Pick<Surroundings, 'readInput'>, path: string): Buffer {
  try {
    return path === '-' ? around.readInput() : readFileSync(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw new Failure('usage', `${path} cannot be read (${code})`, EXIT.usage)
  }
}
