import { EnvelopeKind, MAX_COUNTER } from '@y-sealed/protocol/header'
import { EnvelopeError } from './envelope-error.ts'

/** The counters of one sealer, in memory only. Each starts at 1 and none is ever given out twice. */
export function createCounters() {
  const lastByStream = new Map<EnvelopeKind, number>()
  const next = (kind: EnvelopeKind): number => (lastByStream.get(streamOf(kind)) ?? 0) + 1
  return {
    /** The counter that `take` gives next. */
    next,
    /** Takes `count` consecutive counters and returns the first. Throws EnvelopeError `limit`, and then takes none. */
    take: (kind: EnvelopeKind, count: number): number => {
      const first = next(kind)
      const last = first + count - 1
      if (last > MAX_COUNTER) throw new EnvelopeError('limit', 'caller', 'the sealer has no counter left')
      lastByStream.set(streamOf(kind), last)
      return first
    },
  }
}

/** Kinds 1 and 4 share one counter (protocol §3); every other kind has its own. */
export const streamOf = (kind: EnvelopeKind): EnvelopeKind =>
  kind === EnvelopeKind.witness ? EnvelopeKind.update : kind
