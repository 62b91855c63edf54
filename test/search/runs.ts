import { projectRules, type Rules } from './rules.ts'
import { type Found, search } from './search.ts'
import { startedWorld } from './steps.ts'
import { type Budget, emptyWorld } from './world.ts'

/** One search: how large its world is, and what may happen in it. */
export interface Run {
  readonly members: number
  /** `empty`: nobody has opened the document; else all have read its first entry. */
  readonly start: 'empty' | 'started'
  readonly left: Partial<Budget>
  /** The endpoint keeps the record of each key that members report. */
  readonly keepsRecords?: boolean
  /** Members ask the endpoint at any time whether their key is retired, not only when they get it. */
  readonly asksAnytime?: boolean
}

const NOTHING_LEFT: Budget = { edits: 0, rotations: 0, cuts: 0, crashes: 0, relayCrashes: 0, lates: 0, restores: 0 }

export interface RunOptions {
  readonly rules?: Rules
  readonly maxStates?: number
  readonly onProgress?: (states: number, depth: number) => void
}

export function run(
  { members, start, left, keepsRecords = false, asksAnytime = false }: Run,
  { rules = projectRules, maxStates = Number.POSITIVE_INFINITY, onProgress }: RunOptions = {},
): Found {
  const empty = emptyWorld(members, { ...NOTHING_LEFT, ...left })
  return search({
    start: start === 'empty' ? empty : startedWorld(empty),
    rules,
    keepsRecords,
    asksAnytime,
    maxStates,
    ...(onProgress && { onProgress }),
  })
}

/** What may happen in a run, in words. */
export function titleOf({ members, start, left, keepsRecords, asksAnytime }: Run): string {
  const count = (n: number | undefined, one: string, many = `${one}s`) => (n ? [`${n} ${n === 1 ? one : many}`] : [])
  return [
    `${members} members`,
    ...(start === 'empty' ? ['from nothing'] : []),
    ...count(left.edits, 'edit'),
    ...count(left.rotations, 'rotation'),
    ...count(left.cuts, 'lost connection'),
    ...count(left.crashes, 'crash', 'crashes'),
    ...count(left.relayCrashes, 'crash of the relay', 'crashes of the relay'),
    ...count(left.lates, 'time-out'),
    ...count(left.restores, 'restored backup'),
    ...(keepsRecords ? ['endpoint keeps records'] : []),
    ...(asksAnytime ? ['keys asked about at any time'] : []),
  ].join(', ')
}
