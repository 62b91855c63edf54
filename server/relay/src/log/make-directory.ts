import { existsSync, mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** A directory for this user alone, with those above it, if it is missing. Throws what the system says. */
export function makeDirectory(path: string): void {
  if (existsSync(path)) return
  // Step by step: where a directory takes no other, as below /proc, Node's `recursive` tries for ever (20 and 24 both).
  makeDirectory(dirname(resolve(path)))
  mkdirSync(path, { mode: 0o700 })
}
