import { createHash } from 'node:crypto'

/**
 * A source of numbers in [0, 1) that the seed fixes for ever: SHA-256 over seed and a counter, so that no platform's
 * arithmetic can change what a seed means. For chaos and generated traces, never for keys.
 */
export function seededRandom(seed: string): () => number {
  let counter = 0
  return () => {
    const digest = createHash('sha256').update(`${seed}/${counter++}`).digest()
    return digest.readUInt32BE(0) / 2 ** 32
  }
}

/** A whole number from 0 up to and without `limit`. */
export function below(random: () => number, limit: number): number {
  return Math.floor(random() * limit)
}

export function pick<T>(random: () => number, choices: readonly T[]): T {
  const choice = choices[below(random, choices.length)]
  if (choice === undefined) throw new RangeError('nothing to choose from')
  return choice
}

/** As many bytes, from one draw: SHAKE256 makes them long. */
export function randomBytes(random: () => number, length: number): Uint8Array {
  if (length === 0) return new Uint8Array(0)
  const hash = createHash('shake256', { outputLength: length })
  return new Uint8Array(hash.update(`${random()}`).digest())
}
