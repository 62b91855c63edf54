import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'

/** A secret that must be nowhere, found somewhere. */
export interface Finding {
  readonly canary: string
  readonly encoding: string
  readonly where: string
}

interface Needle {
  readonly encoding: string
  readonly bytes: Buffer
}

/** The ways in which a text can hide in bytes without anybody having meant to hide it. */
export function needlesOf(canary: string): Needle[] {
  const utf8 = Buffer.from(canary, 'utf8')
  const utf16 = Buffer.from(canary, 'utf16le')
  const needles = [
    { encoding: 'utf-8', bytes: utf8 },
    { encoding: 'utf-16le', bytes: utf16 },
    { encoding: 'utf-16be', bytes: Buffer.from(utf16).swap16() },
    { encoding: 'hex', bytes: Buffer.from(utf8.toString('hex')) },
    { encoding: 'HEX', bytes: Buffer.from(utf8.toString('hex').toUpperCase()) },
    { encoding: 'url', bytes: Buffer.from(encodeURIComponent(canary)) },
    { encoding: 'form', bytes: Buffer.from(new URLSearchParams({ '': canary }).toString().slice(1)) },
    { encoding: 'json in ascii', bytes: Buffer.from(asciiJson(canary)) },
    ...[0, 1, 2].flatMap((offset) => {
      const base64 = base64Inside(utf8, offset)
      const base64url = base64.replaceAll('+', '-').replaceAll('/', '_')
      return [
        { encoding: `base64 at offset ${offset}`, bytes: Buffer.from(base64) },
        { encoding: `base64url at offset ${offset}`, bytes: Buffer.from(base64url) },
      ]
    }),
  ]
  return needles.filter(({ bytes }, index) => needles.findIndex((other) => other.bytes.equals(bytes)) === index)
}

/** The characters that the text becomes in any base64 of something longer in which it starts at this offset modulo 3. */
function base64Inside(text: Buffer, offset: number): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), text]).toString('base64')
  const firstWhole = Math.ceil((offset * 8) / 6)
  const wholeCharacters = Math.floor(((offset + text.length) * 8) / 6)
  return encoded.slice(firstWhole, wholeCharacters)
}

function asciiJson(text: string): string {
  return JSON.stringify(text)
    .slice(1, -1)
    .replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

// Small enough that many pieces of a core dump are memory that was never used, large enough to be quick.
const PIECE_BYTES = 1024 * 1024

/** Looks for many canaries in many places, remembering what they look like in every encoding. */
export class CanarySearch {
  private readonly needles = new Map<string, Needle[]>()

  constructor(canaries: Iterable<string> = []) {
    for (const canary of canaries) this.add(canary)
  }

  get canaries(): string[] {
    return [...this.needles.keys()]
  }

  add(canary: string): void {
    // Eight bytes and more: a shorter one would sooner or later turn up in random bytes.
    if (Buffer.byteLength(canary) < 8) throw new RangeError('a canary needs at least 8 bytes')
    this.needles.set(canary, needlesOf(canary))
  }

  in(bytes: Uint8Array | string, where: string): Finding[] {
    const haystack =
      typeof bytes === 'string'
        ? Buffer.from(bytes, 'utf8')
        : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return [...this.needles].flatMap(([canary, needles]) =>
      needles.filter((needle) => haystack.includes(needle.bytes)).map(({ encoding }) => ({ canary, encoding, where })),
    )
  }

  inFrames(frames: Iterable<{ readonly direction: string; readonly bytes: Uint8Array }>): Finding[] {
    const findings: Finding[] = []
    let number = 0
    for (const { direction, bytes } of frames) findings.push(...this.in(bytes, `frame ${number++} (${direction})`))
    return findings
  }

  /** For a file that does not fit into memory, such as a core dump. Each canary and encoding is reported once. */
  inLargeFile(path: string): Finding[] {
    const longest = Math.max(0, ...[...this.needles.values()].flat().map(({ bytes }) => bytes.length))
    const found = new Map<string, Finding>()
    const piece = Buffer.alloc(PIECE_BYTES + longest)
    const unused = Buffer.alloc(piece.length)
    const file = openSync(path, 'r')
    try {
      // Pieces overlap by the longest needle: what lies across a border lies whole in the next one.
      for (let kept = 0; ; ) {
        const read = readSync(file, piece, kept, PIECE_BYTES, null)
        if (read === 0) break
        const bytes = piece.subarray(0, kept + read)
        const isUnused = unused.subarray(0, bytes.length).equals(bytes)
        for (const finding of isUnused ? [] : this.in(bytes, path)) {
          found.set(`${finding.encoding} ${finding.canary}`, finding)
        }
        kept = Math.min(longest, bytes.length)
        bytes.copy(piece, 0, bytes.length - kept)
      }
    } finally {
      closeSync(file)
    }
    return [...found.values()]
  }

  inDirectory(directory: string): Finding[] {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .flatMap((entry) => {
        const path = join(entry.parentPath, entry.name)
        return [...this.in(readFileSync(path), path), ...this.in(entry.name, `the name of ${path}`)]
      })
  }
}

export function describeFindings(findings: readonly Finding[]): string {
  return findings
    .map(({ canary, encoding, where }) => `${JSON.stringify(canary)} as ${encoding} in ${where}`)
    .join('\n')
}
