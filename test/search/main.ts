import { type Run, run, titleOf } from './runs.ts'

/** So many states of one run are looked at: some gigabytes of memory, some minutes. */
const MAX_STATES = 6_000_000

/** Every fault alone with three members and two rotations, then faults together in a smaller world. */
const WHOLE: readonly Run[] = [
  { members: 3, start: 'empty', left: { edits: 1, rotations: 1 } },
  { members: 3, start: 'started', left: { edits: 2, rotations: 2 } },
  { members: 3, start: 'started', left: { edits: 1, rotations: 2, cuts: 1 } },
  { members: 3, start: 'started', left: { edits: 1, rotations: 2, crashes: 1 } },
  { members: 3, start: 'started', left: { edits: 1, rotations: 2, relayCrashes: 1 } },
  { members: 3, start: 'started', left: { edits: 1, rotations: 2, lates: 1 } },
  { members: 2, start: 'started', left: { edits: 1, rotations: 1, restores: 1 } },
  { members: 2, start: 'started', left: { edits: 2, rotations: 2 }, asksAnytime: true },
  { members: 2, start: 'started', left: { edits: 1, rotations: 2 }, keepsRecords: true, asksAnytime: true },
  { members: 2, start: 'started', left: { edits: 1, rotations: 1, cuts: 1, crashes: 1 } },
  { members: 2, start: 'started', left: { edits: 1, rotations: 1, crashes: 1, relayCrashes: 1 } },
  { members: 2, start: 'started', left: { edits: 1, rotations: 1, cuts: 1, lates: 1 } },
]

/** Exit code 1: something was found, or a run was not finished. */
export function main(): number {
  let states = 0
  let failures = 0
  for (const each of WHOLE) {
    const startMs = Date.now()
    const found = run(each, { maxStates: MAX_STATES })
    states += found.states
    const size = `${found.states.toLocaleString('en')} states, ${found.steps.toLocaleString('en')} steps, depth ${found.depth}`
    const bound = found.isWhole ? 'exhaustive' : `capped at ${MAX_STATES.toLocaleString('en')}`
    console.log(`${titleOf(each)}: ${size}, ${bound}, ${((Date.now() - startMs) / 1_000).toFixed(0)} s`)
    if (found.violation === undefined && found.isWhole) continue
    failures++
    if (found.violation === undefined) continue
    console.log(`  NOT SO: ${found.violation.broken}`)
    for (const [i, step] of found.violation.trace.entries()) console.log(`  ${i + 1}. ${step}`)
  }
  console.log(`${states.toLocaleString('en')} states in all, ${failures} of ${WHOLE.length} runs failed or capped`)
  return failures === 0 ? 0 : 1
}
