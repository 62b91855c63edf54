import type { ServerKind } from '../servers/server-kind.ts'
import type { StartSettings } from '../servers/start-server.ts'
import type { Bench } from './row.ts'

/** A server whose times are measured, and how it is started. */
export interface TimedSubject<Kind extends ServerKind> {
  readonly name: string
  readonly kind: Kind
  readonly settings: StartSettings
}

function subjectOf<Kind extends ServerKind>(kind: Kind): TimedSubject<Kind> {
  return { name: kind, kind, settings: {} }
}

export const WEAKLY_DURABLE = 'y-sealed, --durability os'

/** Ours, waiting for the disk as little as the peers do: what is left of the difference is not the disk's (see the row `disk`). */
const weaklyDurable: TimedSubject<'y-sealed'> = {
  name: WEAKLY_DURABLE,
  kind: 'y-sealed',
  settings: { durability: 'os' },
}

/** Of a sample some kinds alone; else all of them, and ours a second time. */
export function timedSubjects<Kind extends ServerKind>(
  { isSample }: Bench,
  ofSample: readonly Kind[],
  all: readonly Kind[],
): readonly TimedSubject<Kind | 'y-sealed'>[] {
  return isSample ? ofSample.map(subjectOf) : [...all.map(subjectOf), weaklyDurable]
}
