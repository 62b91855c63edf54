import { SALT_BYTES } from '@y-sealed/protocol/header'
import { concat, u64be } from './bytes.ts'
import type { Engine } from './engine/engine.ts'
import { label } from './label.ts'

const RANDOM_BYTES = 32

// Salts drawn by this process, so that two never agree even where the random source and the clock both stand still.
let drawnCount = 0

/** Draws the salt of a new sealer. */
export function drawSalt(engine: Engine, random: (bytes: number) => Uint8Array, unixMs: number): Uint8Array {
  drawnCount = (drawnCount + 1) >>> 0
  return saltOf(engine, random(RANDOM_BYTES), BigInt(Math.max(0, Math.floor(unixMs * 1000))), drawnCount)
}

/** Random bytes are what makes a salt unique; clock and count hedge against a cloned or stuck random source. */
export function saltOf(engine: Engine, random: Uint8Array, unixMicroseconds: bigint, count: number): Uint8Array {
  const drawn = new Uint8Array(4)
  new DataView(drawn.buffer).setUint32(0, count)
  return engine.sha256(concat(label('salt'), random, u64be(unixMicroseconds), drawn)).slice(0, SALT_BYTES)
}

export const systemRandom = (bytes: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(bytes))
