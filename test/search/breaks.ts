import { AT_REST, type Broken, INVARIANTS } from './invariants.ts'
import { projectRules, type Rules } from './rules.ts'
import type { Run } from './runs.ts'
import type { WAITS_FOR_EVER } from './search.ts'

/** A rule that is broken, and the smallest world in which the search must find that. */
export interface Break {
  readonly title: string
  readonly rules: Rules
  readonly run: Run
  readonly finds: Broken | typeof WAITS_FOR_EVER
}

const withRules = (rules: Partial<Rules>): Rules => ({ ...projectRules, ...rules })
const withGlue = (glue: Partial<Rules['glue']>): Rules => withRules({ glue: { ...projectRules.glue, ...glue } })
const { judgeAppend, judgeOpen, judgeSwitch, rotationStep, compareJoined } = projectRules
const [, HEAD_ONLY, REACHABLE, ADDS_NOTHING, KEPT, , NO_ALARM] = INVARIANTS
const [NOBODY_WAITS] = AT_REST

/** The rules of the project, broken one at a time. */
export const BREAKS: readonly Break[] = [
  {
    title: 'the relay stores what was sealed under an epoch that is over',
    rules: withRules({
      judgeAppend: (state, runs, nowUnixMs) => {
        const code = judgeAppend(state, runs, nowUnixMs)
        return code === 'stale-epoch' ? undefined : code
      },
    }),
    run: { members: 2, start: 'started', left: { edits: 1, rotations: 1 } },
    finds: HEAD_ONLY,
  },
  {
    title: 'the relay opens an epoch that does not carry over the end of the log',
    rules: withRules({
      judgeOpen: (state, opening, nowUnixMs) =>
        judgeOpen(
          state,
          state && opening.replaces
            ? { ...opening, replaces: { ...opening.replaces, sequence: state.sequence, hash: state.hash } }
            : opening,
          nowUnixMs,
        ),
    }),
    run: { members: 2, start: 'started', left: { edits: 1, rotations: 1, lates: 1 } },
    finds: INVARIANTS[0],
  },
  {
    title: 'the relay opens an epoch for whoever asks, lease or not',
    rules: withRules({
      judgeOpen: (state, opening, nowUnixMs) => {
        const code = judgeOpen(state, opening, nowUnixMs)
        return code === 'busy' || code === 'stale-epoch' ? undefined : code
      },
    }),
    run: { members: 2, start: 'started', left: { rotations: 2, lates: 1 } },
    finds: INVARIANTS[0],
  },
  {
    title: 'a rotator opens without having read what the log got last',
    rules: withRules({
      rotationStep: (state, event) => {
        const step = rotationStep(state, event)
        if (step.state.at !== 'settling') return step
        const { tries, pauses } = step.state
        return { state: { at: 'opening', tries, pauses }, act: 'open' }
      },
    }),
    run: { members: 2, start: 'started', left: { edits: 1, rotations: 1 } },
    finds: REACHABLE,
  },
  {
    title: 'a rotator does not ask again when another one has vanished',
    rules: withRules({
      rotationStep: (state, event) => (state.at === 'waiting' ? { state } : rotationStep(state, event)),
    }),
    run: { members: 2, start: 'started', left: { rotations: 2, crashes: 1 } },
    finds: NOBODY_WAITS,
  },
  {
    title: 'a member goes on into the next epoch before it has read the last one to its end',
    rules: withRules({
      judgeSwitch: (mine, next) => {
        const how = judgeSwitch(mine, next)
        return how === 'wait' ? 'go-on' : how
      },
    }),
    run: { members: 2, start: 'started', left: { edits: 1, rotations: 1, cuts: 1 } },
    finds: NO_ALARM,
  },
  {
    title: 'a member goes on into an epoch that follows another history than its own',
    rules: withRules({
      judgeSwitch: (mine, next) => {
        const how = judgeSwitch(mine, next)
        return how === 'fork' ? 'go-on' : how
      },
      compareJoined: (joined, records, claim) => {
        const verdict = compareJoined(joined, records, claim)
        return verdict.does === 'take' ? { ...verdict, isFork: false } : verdict
      },
    }),
    run: { members: 2, start: 'started', left: { edits: 1, rotations: 1, restores: 1 } },
    finds: NOBODY_WAITS,
  },
  {
    title: 'a member does not read the log anew that a restored relay shows',
    rules: withRules({
      compareJoined: (joined, records, claim) => {
        const verdict = compareJoined(joined, records, claim)
        return verdict.does === 'rewind' ? { does: 'go-on' } : verdict
      },
    }),
    run: { members: 2, start: 'started', left: { edits: 1, restores: 1 } },
    finds: NOBODY_WAITS,
  },
  {
    title: 'a checkpoint holds what its author has typed and the log has not',
    rules: withGlue({ coversLogOnly: false }),
    run: { members: 2, start: 'started', left: { edits: 1, rotations: 1 }, asksAnytime: true },
    finds: ADDS_NOTHING,
  },
  {
    title: 'what the document has and the log lacks does not enter the outbox',
    rules: withGlue({ keepsLaw: false }),
    run: { members: 2, start: 'started', left: { edits: 1, restores: 1 } },
    finds: KEPT,
  },
  {
    title: 'what was in flight is forgotten when its session ends',
    rules: withGlue({ restoresOutbox: false, keepsLaw: false }),
    run: { members: 2, start: 'started', left: { edits: 1, cuts: 1 } },
    finds: KEPT,
  },
  {
    title: 'entries of the next epoch are taken before it is entered',
    rules: withGlue({ stopsAtEnd: false }),
    run: { members: 2, start: 'started', left: { edits: 1, rotations: 1 } },
    finds: NO_ALARM,
  },
  {
    title: 'a rotator waits for what may not be sent any more, because its key was retired meanwhile',
    rules: withGlue({ closesRotation: false }),
    run: { members: 2, start: 'started', left: { edits: 1, rotations: 2 }, asksAnytime: true },
    finds: NOBODY_WAITS,
  },
  {
    title: 'a record that comes with a refusal is distrusted where those before it are still on their way',
    rules: withGlue({ waitsForRecords: false }),
    run: { members: 2, start: 'started', left: { edits: 1, rotations: 2 } },
    finds: NO_ALARM,
  },
  {
    title: 'a record that is shown twice breaks the chain',
    rules: withGlue({ showsOnce: false }),
    run: { members: 2, start: 'empty', left: { rotations: 1 }, keepsRecords: true },
    finds: NOBODY_WAITS,
  },
  {
    title: 'a rotator accuses the relay of hiding the epoch that it has opened itself',
    rules: withGlue({ asksWhatBecame: false }),
    run: { members: 2, start: 'started', left: { rotations: 1 }, keepsRecords: true },
    finds: NOBODY_WAITS,
  },
  {
    title: 'what came while a person was to decide is not read again',
    rules: withGlue({ readsAfterHold: false }),
    run: { members: 2, start: 'started', left: { edits: 1, rotations: 1 }, keepsRecords: true },
    finds: NO_ALARM,
  },
]
