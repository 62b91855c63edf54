import { setTimeout as after } from 'node:timers/promises'
import type { LoadRooms } from './load-rooms.ts'

export interface SaturateInput {
  readonly typingMs: number
  readonly keystrokesInFlightPerWriter: number
}

export interface SaturateResult {
  readonly typed: number
  readonly delivered: number
  readonly expected: number
  /** From the first keystroke until the last one had arrived everywhere. */
  readonly elapsedMs: number
  /** Of the load process itself: near 1 means that it, not the server, was the limit. */
  readonly loadCpuShare: number
}

// What is on its way when typing ends arrives in milliseconds; after this long it is lost.
const DRAIN_LIMIT_MS = 20_000

/** Has all rooms type as fast as they can be served, then waits until everything has arrived. */
export async function saturate(
  rooms: LoadRooms,
  { typingMs, keystrokesInFlightPerWriter }: SaturateInput,
): Promise<SaturateResult> {
  const before = rooms.totals
  const cpuBefore = process.cpuUsage()
  const startMs = performance.now()
  const endMs = startMs + typingMs
  rooms.beginAgain()
  const giveUp = after(typingMs + DRAIN_LIMIT_MS, 'lost', { ref: false })
  const typing = async (): Promise<void> => {
    while (performance.now() < endMs) {
      rooms.typeOn(keystrokesInFlightPerWriter)
      await rooms.nextArrivals()
    }
    while (isIncomplete(rooms)) {
      rooms.typeOn(0)
      await rooms.nextArrivals()
    }
  }
  await Promise.race([typing(), giveUp])

  const elapsedMs = performance.now() - startMs
  const { user, system } = process.cpuUsage(cpuBefore)
  const now = rooms.totals
  return {
    typed: now.typed - before.typed,
    delivered: now.delivered - before.delivered,
    expected: now.expected - before.expected,
    elapsedMs,
    loadCpuShare: (user + system) / 1e3 / elapsedMs,
  }
}

function isIncomplete(rooms: LoadRooms): boolean {
  const { delivered, expected } = rooms.totals
  return delivered < expected
}
