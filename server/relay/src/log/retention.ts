/**
 * How long a relay keeps what a checkpoint or a new epoch has replaced: for ever, as little as readers need (old epochs go
 * too), or so many milliseconds (what was replaced within an epoch goes, each old epoch keeps its base and what follows it).
 */
export type Retention = 'all' | 'head' | number

const DAY_MS = 86_400_000
const UNIT_MS: Readonly<Record<string, number>> = { d: DAY_MS, h: 3_600_000, m: 60_000 }

/** A month: who was away for a holiday still gets the entries, and not a checkpoint in their place. */
export const DEFAULT_RETENTION: Retention = 30 * DAY_MS

/** What a sweep may delete. */
export interface SweepTerms {
  /** From when on what a base has replaced is kept for so long; Infinity: for ever. */
  replacedMs: number
  /** How long even what nobody needs is kept, for those who are reading it. */
  readersMs: number
  /** Whether an old epoch keeps its base and the entries after that. */
  keepsOldEpochs: boolean
  /** A salt whose entries are gone is forgotten once it was unused for so long. */
  saltMs: number
}

/** An unnamed checkpoint; a former base and the entries that the next one covers; a whole epoch; all of a deleted document. */
export type ReplacedKind = 'draft' | 'base' | 'epoch' | 'document'

/** In which order what was replaced goes, and of each kind what was replaced then or earlier (unix ms). */
export function dueKinds(
  { replacedMs, readersMs, keepsOldEpochs }: SweepTerms,
  nowUnixMs: number,
): { kind: ReplacedKind; throughUnixMs: number }[] {
  const due: { kind: ReplacedKind; throughUnixMs: number }[] = [
    { kind: 'document', throughUnixMs: nowUnixMs },
    { kind: 'draft', throughUnixMs: nowUnixMs - readersMs },
    { kind: 'base', throughUnixMs: nowUnixMs - replacedMs },
    { kind: 'epoch', throughUnixMs: keepsOldEpochs ? Number.NEGATIVE_INFINITY : nowUnixMs - readersMs },
  ]
  // What is kept for ever is due in no year: no store has a number for that.
  return due.filter(({ throughUnixMs }) => throughUnixMs >= 0)
}

export function sweepTerms(
  retention: Retention,
  { pruneGraceMs: readersMs, saltMs }: { pruneGraceMs: number; saltMs: number },
): SweepTerms {
  const wantedMs = retention === 'all' ? Number.POSITIVE_INFINITY : retention === 'head' ? readersMs : retention
  return { replacedMs: Math.max(wantedMs, readersMs), readersMs, keepsOldEpochs: retention !== 'head', saltMs }
}

/** `all`, `head`, or a number of days, hours or minutes such as `30d`, `12h`, `90m`; undefined: none of these. */
export function parseRetention(text: string): Retention | undefined {
  if (text === 'all' || text === 'head') return text
  const [, count = '', unit = ''] = /^([1-9]\d{0,5})([dhm])$/.exec(text) ?? []
  const unitMs = UNIT_MS[unit]
  return unitMs === undefined ? undefined : Number(count) * unitMs
}

/** Throws TypeError for what is no retention. */
export function checkRetention(retention: Retention): void {
  if (retention === 'all' || retention === 'head') return
  if (typeof retention !== 'number' || !(retention >= 0)) {
    throw new TypeError(`retention: 'all', 'head' or a number of milliseconds; got ${String(retention)}`)
  }
}
