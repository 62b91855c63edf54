import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface SmallDisk {
  readonly path: string
  /** Takes what room is left but for these bytes. */
  fillBut(bytes: number): void
  /** Gives it back. */
  empty(): void
  /** Nothing can be written any more: only where nobody has a file of it open. */
  makeReadOnly(): void
  remove(): void
}

/** A disk of its own, in memory; undefined where this machine lets us mount none (who is not root). */
export function smallDisk(bytes: number): SmallDisk | undefined {
  const path = mkdtempSync(join(tmpdir(), 'y-sealed-small-disk-'))
  if (!mount('-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path)) {
    rmSync(path, { recursive: true })
    return undefined
  }
  const ballast = join(path, 'ballast')
  return {
    path,
    fillBut(left) {
      const { stdout } = spawnSync('df', ['--output=avail', '-B1', path], { encoding: 'utf8' })
      writeFileSync(ballast, new Uint8Array(Math.max(0, Number(stdout.split('\n')[1]) - left)))
    },
    empty: () => rmSync(ballast, { force: true }),
    makeReadOnly: () => void mount('-o', 'remount,ro', path),
    remove() {
      // Lazily: a process that was killed a moment ago may still hold a file.
      spawnSync('umount', ['-l', path])
      rmSync(path, { recursive: true, force: true })
    },
  }
}

function mount(...args: string[]): boolean {
  return process.getuid?.() === 0 && spawnSync('mount', args).status === 0
}
