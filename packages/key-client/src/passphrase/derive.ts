import type { Argon2Parameters } from './argon2-hint.ts'

export interface Argon2Question extends Argon2Parameters {
  readonly password: Uint8Array
  readonly keyBytes: number
}

/** Where there is no worker, the longest that anything else is kept waiting: a frame of the screen. */
const SLICE_MS = 10

/**
 * Argon2id in a worker, where the platform has such and lets us; else here, in slices. An abort ends the worker, and lets the slices run out unheard.
 */
export async function deriveArgon2id(question: Argon2Question, signal: AbortSignal | undefined): Promise<Uint8Array> {
  return (await inWorker(question, signal)) ?? (await inSlices(question))
}

/** Undefined where no worker can be had: none at all, a bundler that lost its file, a content security policy. */
async function inWorker(question: Argon2Question, signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
  const worker = startWorker()
  if (worker === undefined) return undefined
  try {
    return await new Promise<Uint8Array | undefined>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<unknown>) => resolve(data instanceof Uint8Array ? data : undefined)
      worker.onerror = (event) => {
        event.preventDefault()
        resolve(undefined)
      }
      signal?.addEventListener('abort', () => reject(new Error('given up')), { once: true })
      worker.postMessage(question)
    })
  } finally {
    worker.terminate()
  }
}

function startWorker(): Worker | undefined {
  if (typeof Worker !== 'function') return undefined
  try {
    // In exactly these words: bundlers look for them.
    return new Worker(new URL('./argon2-worker.js', import.meta.url), { type: 'module' })
  } catch {
    return undefined
  }
}

async function inSlices({ password, salt, memoryKiB, passes, keyBytes }: Argon2Question): Promise<Uint8Array> {
  // Only who needs it here loads it here.
  const { argon2idAsync } = await import('@noble/hashes/argon2.js')
  return argon2idAsync(password, salt, { m: memoryKiB, t: passes, p: 1, dkLen: keyBytes, asyncTick: SLICE_MS })
}
