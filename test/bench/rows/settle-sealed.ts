import { setTimeout as after } from 'node:timers/promises'
import type { OpenInput } from '../providers/provider-process.ts'
import type { Server } from '../servers/start-server.ts'
import type { Running } from './with-server.ts'

// Clients that compact do so after two seconds without input: longer than that, and nothing more is coming.
const IDLE_MS = 3_000
const LOOK_EVERY_MS = 500
const IDLE_CPU_SECONDS = 0.02
// A checkpoint of 20 MB on a busy machine.
const LIMIT_MS = 60_000

/**
 * Brings a y-sealed room to rest as its members would: everything acked, compacted where this version of the provider can, and seen by a second
 * member, who may prune what the first has made superfluous.
 */
export async function settleSealed(
  { server, startClients }: Running,
  room: string,
  writer: { call(method: 'settle'): Promise<unknown> },
): Promise<void> {
  await writer.call('settle')
  await untilIdle(server)
  const second = startClients('providers/provider-process')
  await second.call('open', { kind: 'y-sealed', url: server.url, room, count: 1 } satisfies OpenInput)
  await second.call('settle')
  await untilIdle(server)
  await second.end()
}

/** Resolves when a server has had nothing to do for a while. */
export async function untilIdle(server: Server): Promise<void> {
  let idleSinceMs = performance.now()
  let { cpuSeconds } = await server.usage()
  const limitMs = performance.now() + LIMIT_MS
  while (performance.now() - idleSinceMs < IDLE_MS && performance.now() < limitMs) {
    await after(LOOK_EVERY_MS)
    const now = (await server.usage()).cpuSeconds
    if (now - cpuSeconds > IDLE_CPU_SECONDS) idleSinceMs = performance.now()
    cpuSeconds = now
  }
}
