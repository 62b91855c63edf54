import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../support/project-root.ts'

/** An input that is tried in every run: one that was a finding, or that shows a form. */
export interface Kept {
  readonly name: string
  readonly input: Uint8Array
}

/** `corpus/<target>/<name>.hex`: hexadecimal, in lines of any length. What stands behind a `#` says why it is kept. */
export function corpusOf(target: string): Kept[] {
  const folder = join(projectRoot(), 'test', 'fuzz', 'corpus', target)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((file) => file.endsWith('.hex'))
    .sort()
    .map((file) => ({ name: file.slice(0, -'.hex'.length), input: parseHex(readFileSync(join(folder, file), 'utf8')) }))
}

function parseHex(text: string): Uint8Array {
  const digits = text.replace(/#.*$/gm, '').replace(/\s/g, '')
  if (!/^([0-9a-f]{2})*$/.test(digits)) throw new TypeError('a corpus file holds hexadecimal digits')
  return new Uint8Array(Buffer.from(digits, 'hex'))
}
