import { readFileSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import {
  type Down,
  encodeFrame,
  isForeignFrame,
  MAX_FRAME_ITEMS,
  ProtocolError,
  parseDownFrame,
  parseUpBlocks,
  parseUpFrame,
  type Up,
} from '@y-sealed/protocol'
import { projectRoot } from '../../support/project-root.ts'
import { codeOf, promised, sameBytes, type Target } from '../target.ts'
import { garbled } from './garbled-message.ts'

const KNOWN = ['malformed', 'unsupported', 'limit']

interface FrameVector {
  readonly direction: 'up' | 'down'
  readonly frame: string
}

/** Every message, in every form that implementers are given. */
export function vectorFrames(direction: 'up' | 'down'): Uint8Array[] {
  const file = joinPath(projectRoot(), 'test', 'vectors', 'protocol', 'frames.json')
  // Our own file, whose shape the tests of the protocol check.
  const { frames } = JSON.parse(readFileSync(file, 'utf8')) as { frames: FrameVector[] }
  return frames
    .filter((each) => each.direction === direction)
    .map(({ frame }) => new Uint8Array(Buffer.from(frame, 'hex')))
}

/** What a relay reads (WIRE-8, WIRE-11). */
export const upFrame: Target = frameTarget('up-frame', 'up', (bytes) => {
  const messages = parseUpFrame(bytes)
  // How the relay itself reads it: entries as one block.
  promised(parseUpBlocks(bytes).length === messages.length, 'read in two ways')
  return messages
})

/** What a client reads. */
export const downFrame: Target = frameTarget('down-frame', 'down', parseDownFrame)

function frameTarget(name: string, direction: 'up' | 'down', parse: (bytes: Uint8Array) => Up[] | Down[]): Target {
  return {
    name,
    promise: 'is parsed, bounded, and written again as it was, or refused by a code',
    sampleCases: 4_000,
    mustMeet: ['accepted', ...KNOWN],
    open: async () => {
      const seeds = vectorFrames(direction)
      const messages = seeds.flatMap((seed): (Up | Down)[] => parse(seed))
      return {
        seeds,
        invent: (random) => garbled(random, messages),
        check(input) {
          promised(typeof isForeignFrame(input) === 'boolean', 'no word on whether it is foreign')
          try {
            const said = parse(input)
            promised(sameBytes(encodeFrame(said), input), 'the frame is written in another way')
            const held = sizeOf(said)
            promised(held.bytes <= input.length, `${held.bytes} bytes are kept of ${input.length}`)
            promised(held.items <= MAX_FRAME_ITEMS, `${held.items} objects of one frame`)
            return 'accepted'
          } catch (error) {
            if (direction === 'up') promised(!isReadInBlocks(input), 'refused, and read in blocks')
            return codeOf(error, ProtocolError, KNOWN)
          }
        },
      }
    },
  }
}

function isReadInBlocks(input: Uint8Array): boolean {
  try {
    parseUpBlocks(input)
    return true
  } catch (error) {
    codeOf(error, ProtocolError, KNOWN)
    return false
  }
}

/** What a parsed frame keeps in memory: bytes with whatever they are views of, and elements of lists. */
function sizeOf(value: unknown): { bytes: number; items: number } {
  if (value instanceof Uint8Array) return { bytes: value.buffer.byteLength, items: 0 }
  if (typeof value !== 'object' || value === null) return { bytes: 0, items: 0 }
  const members: unknown[] = Object.values(value)
  const all = members.map(sizeOf)
  return {
    bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
    items: all.reduce((sum, { items }) => sum + items, Array.isArray(value) ? members.length : 0),
  }
}
