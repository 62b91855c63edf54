import { readFileSync } from 'node:fs'

/**
 * What is in a file that a flag names. An error does not repeat the name: somebody may have given the secret itself.
 * @throws Error
 */
export function readSecretFile(flag: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : 'unreadable'
    throw new Error(`${flag}: the file cannot be read (${code})`)
  }
}
