import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { CanarySearch, Finding } from '../support/canary.ts'
import type { TappedFrame } from './relay-tap.ts'

/** Somewhere a secret might have stayed, and all that was found there. */
export interface Place {
  readonly name: string
  /** How much was searched, for people. */
  readonly size: string
  readonly findings: readonly Finding[]
}

export function placeOfDirectory(name: string, directory: string, search: CanarySearch): Place {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const bytes = files.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0)
  return { name, size: `${files.length} files, ${inKib(bytes)}`, findings: search.inDirectory(directory) }
}

export function placeOfLargeFile(name: string, path: string, search: CanarySearch): Place {
  return { name, size: inKib(statSync(path).size), findings: search.inLargeFile(path) }
}

export function placeOfFrames(
  name: string,
  frames: readonly TappedFrame[],
  direction: TappedFrame['direction'],
  search: CanarySearch,
): Place {
  const some = frames.filter((frame) => frame.direction === direction)
  const bytes = some.reduce((sum, frame) => sum + frame.bytes.length, 0)
  return { name, size: `${some.length} frames, ${inKib(bytes)}`, findings: search.inFrames(some) }
}

export function placeOfText(name: string, text: string, search: CanarySearch): Place {
  return { name, size: inKib(Buffer.byteLength(text)), findings: search.in(text, name) }
}

const inKib = (bytes: number): string => `${Math.ceil(bytes / 1024).toLocaleString('en')} KiB`
