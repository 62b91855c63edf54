import { setTimeout as after } from 'node:timers/promises'
import type { RawClient } from './raw-client.ts'

export interface PaceInput {
  readonly keystrokes: number
  readonly everyMs: number
}

export interface PaceResult {
  /** One number for each keystroke and reader. */
  readonly toOthersMs: number[]
  /** One for each keystroke that the server has confirmed. */
  readonly toConfirmationMs: number[]
  readonly writerUpBytes: number
  readonly readerDownBytes: number
}

// The last keystroke's way; after this long it is lost.
const ARRIVAL_LIMIT_MS = 10_000

/** One writer types at an even pace; all arrivals are timed. Order is kept, so that the k-th to arrive is the k-th that was typed. */
export async function pace(
  writer: RawClient,
  readers: readonly RawClient[],
  { keystrokes, everyMs }: PaceInput,
): Promise<PaceResult> {
  const typedAtMs: number[] = []
  const toOthersMs: number[] = []
  const toConfirmationMs: number[] = []
  let confirmed = 0
  const clocked = (into: number[], from: number, count: number): void => {
    const nowMs = performance.now()
    for (let k = from; k < from + count; k++) into.push(nowMs - (typedAtMs[k] ?? Number.NaN))
  }
  for (const reader of readers) {
    let arrived = 0
    reader.onKeystrokes = (count) => {
      clocked(toOthersMs, arrived, count)
      arrived += count
    }
  }
  writer.onConfirmed = (count) => {
    clocked(toConfirmationMs, confirmed, count)
    confirmed += count
  }
  const upBefore = writer.socket.upBytes
  const downBefore = readers[0]?.socket.downBytes ?? 0
  const startMs = performance.now()
  for (let k = 0; k < keystrokes; k++) {
    await after(Math.max(0, startMs + k * everyMs - performance.now()))
    typedAtMs.push(performance.now())
    writer.type()
  }
  const limitMs = performance.now() + ARRIVAL_LIMIT_MS
  while (toOthersMs.length < keystrokes * readers.length && performance.now() < limitMs) await after(1)
  // A confirmation may come after the arrival elsewhere.
  await after(everyMs)
  return {
    toOthersMs,
    toConfirmationMs,
    writerUpBytes: writer.socket.upBytes - upBefore,
    readerDownBytes: (readers[0]?.socket.downBytes ?? 0) - downBefore,
  }
}
