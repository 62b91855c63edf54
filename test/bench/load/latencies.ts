import { percentile } from '../report/statistics.ts'

export interface LatencySample {
  readonly count: number
  readonly maxMs: number
  /** Evenly drawn from all. */
  readonly ms: readonly number[]
}

// What is sent home of each phase: p99 of it is that of hundreds.
const SAMPLE = 20_000

/** Times of one kind, by the phase in which they began. */
export class Latencies {
  readonly #byPhase = new Map<string, number[]>()

  add(phase: string, ms: number): void {
    const of = this.#byPhase.get(phase)
    if (of) of.push(ms)
    else this.#byPhase.set(phase, [ms])
  }

  samples(): Record<string, LatencySample> {
    return Object.fromEntries([...this.#byPhase].map(([phase, all]) => [phase, sampleOf(all)]))
  }
}

function sampleOf(all: readonly number[]): LatencySample {
  const every = Math.max(1, Math.ceil(all.length / SAMPLE))
  const maxMs = all.reduce((most, ms) => Math.max(most, ms), 0)
  return { count: all.length, maxMs, ms: all.filter((_, i) => i % every === 0) }
}

export interface LatencySummary {
  readonly count: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export function summaryOf(samples: readonly (LatencySample | undefined)[]): LatencySummary {
  const there = samples.filter((sample) => sample !== undefined)
  const ms = there.flatMap((sample) => sample.ms)
  return {
    count: there.reduce((sum, { count }) => sum + count, 0),
    p50Ms: percentile(ms, 0.5),
    p99Ms: percentile(ms, 0.99),
    maxMs: Math.max(0, ...there.map(({ maxMs }) => maxMs)),
  }
}
