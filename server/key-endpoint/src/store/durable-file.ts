import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'

/** Only the owner. */
const FILE_MODE = 0o600

/** A new file, mode 600 before its first byte, on disk when this returns. */
export function writeDurably(path: string, content: string): void {
  const file = openSync(path, 'w', FILE_MODE)
  try {
    writeSync(file, content)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Puts the directory's own entries on disk: a file that survives a power cut needs its name to survive, too. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
