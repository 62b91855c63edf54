import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hashPrefix, leafHash, nextHash, startHash } from '@y-sealed/protocol'
import { describe, expect, it } from 'vitest'
import { sha256 as nobleSha256 } from '../../../packages/protocol/src/sha256-noble.ts'
import { sha256 as nodeSha256 } from '../../../packages/protocol/src/sha256-node.ts'
import { sharedData } from '../../support/shared-data.ts'
import { fromHex, readVectors, toHex } from './vectors.ts'

interface Log {
  name: string
  recordHash: string
  start: string
  entries: { sequence: number; proof: string; envelope: string; leaf: string; H: string }[]
}

const { logs } = readVectors<{ logs: Log[] }>('log')
const noProof = new Uint8Array(0)

describe('the running hash of a log', () => {
  it.each(logs)('[WIRE-40] $name: starts from the hash of the epoch record', ({ recordHash, start }) => {
    expect(toHex(startHash(fromHex(recordHash)))).toBe(start)
  })

  it.each(logs)('[WIRE-41, WIRE-42] $name: every leaf and every link', ({ start, entries }) => {
    let hash = fromHex(start)
    for (const { proof, envelope, leaf, H } of entries) {
      const computed = leafHash(fromHex(proof), fromHex(envelope))
      expect(toHex(computed)).toBe(leaf)
      hash = nextHash(hash, computed)
      expect(toHex(hash)).toBe(H)
    }
  })

  it('[WIRE-41] a proof cannot be shifted into the envelope: its length stands first', () => {
    const moved = leafHash(Uint8Array.of(1, 2), Uint8Array.of(3))
    expect(toHex(moved)).not.toBe(toHex(leafHash(Uint8Array.of(1), Uint8Array.of(2, 3))))
    expect(toHex(leafHash(Uint8Array.of(9), Uint8Array.of(7)))).toBe(
      createHash('sha256')
        .update(Uint8Array.of(0, 1, 9, 7))
        .digest('hex'),
    )
  })

  it('[WIRE-42] an envelope that looks like a link makes a leaf, not a link', () => {
    const previous = new Uint8Array(32).fill(3)
    const leaf = new Uint8Array(32).fill(4)
    const forged = leafHash(noProof, Uint8Array.of(1, ...previous, ...leaf))
    expect(toHex(forged)).not.toBe(toHex(nextHash(previous, leaf)))
  })

  it('[WIRE-43] frames carry the first 8 bytes, in a copy', () => {
    const hash = Uint8Array.from({ length: 32 }, (_, index) => index)
    const prefix = hashPrefix(hash)
    hash.fill(0xff)
    expect(toHex(prefix)).toBe('0001020304050607')
  })

  it('[WIRE-43] a hash cut short never enters the chain', () => {
    const prefix = new Uint8Array(8)
    const whole = new Uint8Array(32)
    for (const wrong of [
      () => startHash(prefix),
      () => nextHash(prefix, whole),
      () => nextHash(whole, prefix),
      () => hashPrefix(prefix),
      () => leafHash(new Uint8Array(129), whole),
    ]) {
      expect(wrong).toThrow(RangeError)
    }
  })

  it('[WIRE-44] Node and noble compute the same', () => {
    // Up to 2,048 bytes Node's is called at once, beyond it is fed part by part.
    for (const length of [0, 1, 55, 56, 63, 64, 65, 1_000, 2_047, 2_048, 2_049, 262_656]) {
      const bytes = Uint8Array.from({ length }, (_, index) => index * 7)
      const parts = [bytes.subarray(0, 10), bytes.subarray(10)]
      const expected = createHash('sha256').update(bytes).digest('hex')
      for (const sha256 of [nobleSha256, nodeSha256]) {
        expect(toHex(sha256(...parts))).toBe(expected)
        expect(toHex(sha256(bytes))).toBe(expected)
      }
    }
  })

  const knownAnswers = sharedData('kat-v1.json')
  it.skipIf(knownAnswers === undefined)('[WIRE-41, WIRE-42] the known answers of kat-v1.json (shared data)', () => {
    const { records, envelopes, log } = JSON.parse(readFileSync(knownAnswers ?? '', 'utf8')) as {
      records: { recordHash: string; H_start: string }[]
      envelopes: { envelope: string }[]
      log: { leaf: string; H: string }[]
    }
    for (const { recordHash, H_start } of records) expect(toHex(startHash(fromHex(recordHash)))).toBe(H_start)
    let hash = fromHex(records[0]?.H_start ?? '')
    for (const [index, { leaf, H }] of log.entries()) {
      const computed = leafHash(noProof, fromHex(envelopes[index]?.envelope ?? ''))
      expect(toHex(computed)).toBe(leaf)
      hash = nextHash(hash, computed)
      expect(toHex(hash)).toBe(H)
    }
  })
})
