import { setTimeout as after } from 'node:timers/promises'
import type { LoadRoom } from './load-room.ts'

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
const DRAIN_CHECK_EVERY_MS = 2

/** Has all rooms type as fast as they can be served, then waits until everything has arrived. */
export async function saturate(
  rooms: readonly LoadRoom[],
  hungry: Set<LoadRoom>,
  { typingMs, keystrokesInFlightPerWriter }: SaturateInput,
): Promise<SaturateResult> {
  const before = totals(rooms)
  const cpuBefore = process.cpuUsage()
  const startMs = performance.now()
  const endMs = startMs + typingMs
  for (const room of rooms) hungry.add(room)

  while (performance.now() < endMs) {
    for (const room of hungry) room.typeOn(keystrokesInFlightPerWriter)
    hungry.clear()
    // One turn of the event loop: whatever has arrived by then makes its rooms hungry again.
    await new Promise((resolve) => setImmediate(resolve))
  }
  const expected = () => rooms.reduce((sum, room) => sum + room.expected, 0)
  const drainLimitMs = performance.now() + DRAIN_LIMIT_MS
  while (totals(rooms).delivered < expected() && performance.now() < drainLimitMs) await after(DRAIN_CHECK_EVERY_MS)

  const elapsedMs = performance.now() - startMs
  const { user, system } = process.cpuUsage(cpuBefore)
  const now = totals(rooms)
  return {
    typed: now.typed - before.typed,
    delivered: now.delivered - before.delivered,
    expected: now.expected - before.expected,
    elapsedMs,
    loadCpuShare: (user + system) / 1e3 / elapsedMs,
  }
}

function totals(rooms: readonly LoadRoom[]): { typed: number; delivered: number; expected: number } {
  let typed = 0
  let delivered = 0
  let expected = 0
  for (const room of rooms) {
    typed += room.typed
    delivered += room.delivered
    expected += room.expected
  }
  return { typed, delivered, expected }
}
