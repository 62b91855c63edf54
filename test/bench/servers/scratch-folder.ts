import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folders = new Set<string>()
let isWatchingExit = false

/** An empty folder of our own; whatever is left of it when we end, however we end, is removed. */
export function makeScratchFolder(name: string): string {
  if (!isWatchingExit) process.once('exit', () => folders.forEach(removeScratchFolder))
  isWatchingExit = true
  const folder = mkdtempSync(join(tmpdir(), `y-sealed-bench-${name}-`))
  folders.add(folder)
  return folder
}

export function removeScratchFolder(folder: string): void {
  folders.delete(folder)
  // A server that is being killed may still write: try again then.
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
}
