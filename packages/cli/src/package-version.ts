import { readFileSync } from 'node:fs'

/** Of this package, as it was installed. */
export function packageVersion(): string {
  const { version }: { version: string } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return version
}
