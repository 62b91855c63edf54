import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { fakeCheckpoint } from '../scenario/relay-raw-client.ts'
import { startServerProcess } from '../support/server-process.ts'
import { SoakedRoom } from './soaked-room.ts'

export interface SoakOptions {
  seconds: number
  rooms: number
  /** Called once a second, with the relay's resident memory. */
  onSample(bytes: number, seconds: number): void
}

export interface SoakReport {
  appends: number
  joins: number
  rotations: number
  /** Medians of the relay's resident memory in the second and in the last quarter of the time. */
  earlyBytes: number
  lateBytes: number
}

// What is replaced goes within a second: a store that only grows would hide what memory does.
const LIMITS = 'pruneGraceMs=500,sweepMs=250,saltMs=500,pauseAgainMs=0'

/** A real relay for some time, with members who come, write, rotate and go. */
export async function soak({ seconds, rooms, onSample }: SoakOptions): Promise<SoakReport> {
  const data = mkdtempSync(join(tmpdir(), 'y-sealed-soak-'))
  const relay = await startServerProcess('server/relay/dist/main.js', { data, retention: 'head', limit: LIMITS })
  try {
    const soaked = await Promise.all(Array.from({ length: rooms }, (_, i) => SoakedRoom.open(relay.url, `room ${i}`)))
    const endMs = performance.now() + seconds * 1_000
    const living = Promise.all(
      soaked.map((room) => room.liveUntil(endMs, () => fakeCheckpoint(room.epoch + 1, 2, 20_000))),
    )
    const samples: number[] = []
    let failure: unknown
    living.catch((error: unknown) => {
      failure = error
    })
    while (performance.now() < endMs && failure === undefined) {
      await after(1_000)
      const bytes = residentBytes(relay.pid)
      samples.push(bytes)
      onSample(bytes, samples.length)
    }
    await living
    for (const room of soaked) room.end()
    const sum = (of: (room: SoakedRoom) => number) => soaked.reduce((total, room) => total + of(room), 0)
    return {
      appends: sum(({ appends }) => appends),
      joins: sum(({ joins }) => joins),
      rotations: sum(({ rotations }) => rotations),
      earlyBytes: median(samples.slice(samples.length / 4, samples.length / 2)),
      lateBytes: median(samples.slice((3 * samples.length) / 4)),
    }
  } finally {
    await relay.stop()
    rmSync(data, { recursive: true, force: true })
  }
}

/** Of another process. */
export function residentBytes(processId: number): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(processId)], { encoding: 'utf8' })) * 1_024
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
