import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Image } from './file-edits.ts'

/** What stands in a folder now: of a process that runs, what it would leave behind if it died. */
export function imageOf(folder: string): Image {
  // SQLite makes the index of its journal anew; what one process has mapped is nothing for another.
  const names = readdirSync(folder).filter((name) => !name.endsWith('-shm'))
  return new Map(names.map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]))
}

/** A folder with these files, as long as `use` takes. */
export async function withImage<T>(image: Image, use: (folder: string) => Promise<T>): Promise<T> {
  return withFolder(async (folder) => {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    for (const [name, bytes] of image) writeFileSync(join(folder, name), bytes)
    return use(folder)
  })
}

export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'y-sealed-fuzz-'))
  try {
    return await use(join(folder, 'data'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}
