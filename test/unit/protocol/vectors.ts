import { readFileSync } from 'node:fs'

/** The vectors are data for any language: hex, with {"bytes": hex} where a message has a byte string. */
export function readVectors<T>(name: string): T {
  const url = new URL(`../../vectors/protocol/${name}.json`, import.meta.url)
  // The cast is the vectors' documented shape; a file of another shape fails the first test that reads it.
  return JSON.parse(readFileSync(url, 'utf8')) as T
}

export interface FrameVector {
  name: string
  direction: 'up' | 'down'
  frame: string
  messages: { type: string }[]
}

export interface RefusedFrameVector {
  name: string
  direction: 'up' | 'down'
  frame: string
  expect: 'malformed' | 'unsupported' | 'limit'
}

export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'))
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** A parsed message as the vectors write it. */
export function toVector(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: toHex(value) }
  if (Array.isArray(value)) return value.map(toVector)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toVector(member)]))
}
