import {
  isOver,
  ROTATION_START,
  type RotationAct,
  type RotationEvent,
} from '../../packages/provider/src/rotation/rotation-state.ts'
import { contradicted, disregard, openedOwn, recordAppeared, send } from './member.ts'
import { nameOfState, stateNamed } from './names.ts'
import type { Turn } from './turn.ts'
import type { Down, Edits, EpochFacts, Frame, Member, Rotation } from './world.ts'
import { bit, NONE, NOTHING, without } from './world.ts'

/**
 * The rotator around `rotationStep`, after packages/provider/src/rotation/rotator.ts, covering.ts, rotations.ts and covered-log.ts. The whole checkpoint is one
 * frame; a tail is always short, and goes up as one entry. Left out: a head that is given up (`replace`).
 */

/** Begins if there is a reason to, and the session can. */
export function beginRotation(turn: Turn, place: number): void {
  const me = turn.member(place)
  const isWanted = me.wish || (me.isDue && !me.isResting)
  if (!isWanted || me.rotation !== undefined || me.hasReached) return
  if (me.phase !== 'live' || me.epoch === NONE) return
  if (me.disowned !== NOTHING || me.isForked) {
    ended(me)
    return
  }
  me.rotation = {
    state: nameOfState(ROTATION_START.state),
    goal: me.epoch,
    isClosed: me.isDue,
    hint: NONE,
    lacking: NOTHING,
    copy: NOTHING,
    cover: 'none',
    isReadingLog: false,
    tail: NOTHING,
    checkpoint: NONE,
    frames: [],
    isStaging: false,
    pausedAt: NONE,
    pausedHash: NONE,
    opening: undefined,
  }
  act(turn, place, 'lease')
}

export const rotationAt = ({ rotation }: Member) => rotation && stateNamed(rotation.state).at

/** One event of the rotation that is under way. */
export function step(turn: Turn, place: number, event: RotationEvent): void {
  const me = turn.member(place)
  const { rotation } = me
  if (rotation === undefined) return
  const before = stateNamed(rotation.state)
  const { state, act: next } = turn.rules.rotationStep(before, event)
  if (state === before) return
  rotation.state = nameOfState(state)
  if (next !== undefined) act(turn, place, next)
  // The act may have led on already.
  if (me.rotation !== rotation || !isOver(state)) return
  if (state.at === 'opened') return
  endRotation(me)
  if (state.at === 'failed') ended(me)
}

/** Nobody is kept waiting; what is due is tried again after a while. */
function ended(me: Member): void {
  me.wish = false
  if (me.isDue) me.isResting = true
}

/** The wait after a failure is over. */
export function rested(turn: Turn, place: number): void {
  turn.member(place).isResting = false
  beginRotation(turn, place)
}

/** The key was retired while this was under way: what this member has not appended yet waits for the new epoch. */
export function closeRotation(turn: Turn, place: number): void {
  const me = turn.member(place)
  if (me.rotation === undefined || !turn.rules.glue.closesRotation) return
  me.rotation.isClosed = true
  if (rotationAt(me) === 'covering') tryToCover(turn, place)
}

/** The session is over, or its rotation is: whatever is still answered is not for the next one. */
export function endRotation(me: Member): void {
  if (me.rotation === undefined) return
  me.rotation = undefined
  disregard(me, ['lease', 'stage', 'pause', 'open'], ['leased', 'staged', 'paused', 'opened', 'refused'])
}

export function superseded(turn: Turn, place: number): void {
  step(turn, place, { type: 'superseded' })
}

function act(turn: Turn, place: number, what: RotationAct): void {
  const me = turn.member(place)
  const { rotation } = me
  if (rotation === undefined) return
  switch (what) {
    case 'lease':
      send(me, { t: 'lease', head: rotation.goal })
      break
    case 'cover':
      Object.assign(rotation, { cover: 'none', lacking: NOTHING, copy: NOTHING, tail: NOTHING })
      tryToCover(turn, place)
      break
    case 'stage':
      stage(turn, place)
      break
    case 'pause':
      send(me, { t: 'pause' })
      break
    case 'open':
      addTail(rotation)
      rotation.opening = record(turn, me, rotation)
      open(turn, place)
      break
    case 'release':
      send(me, { t: 'release' })
      break
    // The rest are timers, or asked of the endpoint: steps of their own.
    case 'wait':
    case 'ask-key':
    case 'settle':
    case 'rest':
      break
  }
}

/** The endpoint gives one key for every hint to leave. */
export function keyed(turn: Turn, place: number): void {
  const { shared } = turn
  const me = turn.member(place)
  const { rotation } = me
  if (rotation === undefined) return
  const after = turn.epoch(rotation.goal).hint
  if (shared.key <= after) shared.key = after + 1
  const isUsed = [...me.line, ...me.shown].some((id) => turn.epoch(id).hint === shared.key)
  if (isUsed || (shared.pinned & bit(shared.key)) !== 0) {
    step(turn, place, { type: 'failed' })
    if (!isUsed) contradicted(turn, place)
    return
  }
  rotation.hint = shared.key
  step(turn, place, { type: 'keyed' })
}

function tryToCover(turn: Turn, place: number): void {
  const me = turn.member(place)
  const { rotation } = me
  if (rotation === undefined || rotation.isReadingLog) return
  const lacking = without(me.doc, me.log)
  if (rotation.isClosed && lacking !== NOTHING) {
    // `cover` is `covered` from here on: what comes now is the tail. The log through the cursor, read from the relay while the rest goes on.
    rotation.isReadingLog = true
    rotation.cover = 'covered'
    rotation.copy = turn.rules.glue.coversLogOnly ? me.log : me.doc
    return
  }
  if (rotation.cover === 'none') {
    rotation.cover = 'copied'
    rotation.lacking = lacking
    rotation.copy = me.doc
  }
  const isCovered = without(rotation.lacking, me.log) === NOTHING || !turn.rules.glue.coversLogOnly
  if (rotation.cover !== 'copied' || !isCovered) return
  rotation.cover = 'covered'
  covered(turn, place)
}

/** The log has been read. */
export function covered(turn: Turn, place: number): void {
  const { rotation } = turn.member(place)
  if (rotation === undefined) return
  rotation.isReadingLog = false
  const { copy } = rotation
  rotation.checkpoint = copy === NOTHING ? NONE : copy
  rotation.frames = copy === NOTHING ? [] : [{ isChunk: true, edits: copy }]
  Object.assign(rotation, { copy: NOTHING, lacking: NOTHING })
  step(turn, place, { type: 'covered' })
}

/** Edits have entered the log state. */
export function logged({ rotation }: Member, edits: Edits): void {
  if (rotation?.cover === 'covered') rotation.tail |= edits
  else if (rotation?.cover === 'copied') rotation.copy |= edits
}

function stage(turn: Turn, place: number): void {
  const me = turn.member(place)
  const { rotation } = me
  if (rotation === undefined || rotationAt(me) !== 'staging' || rotation.isStaging) return
  if (rotation.frames.length > 0) {
    sendStage(me, rotation)
    return
  }
  addTail(rotation)
  step(turn, place, { type: 'staged' })
}

function addTail(rotation: Rotation): void {
  if (rotation.tail !== NOTHING) rotation.frames = [...rotation.frames, { isChunk: false, edits: rotation.tail }]
  rotation.tail = NOTHING
}

function takeFrame(rotation: Rotation): Frame | undefined {
  const [frame, ...others] = rotation.frames
  rotation.frames = others
  return frame
}

function sendStage(me: Member, rotation: Rotation): void {
  const frame = takeFrame(rotation)
  if (frame === undefined) return
  rotation.isStaging = true
  send(me, { t: 'stage', frame })
}

function record(turn: Turn, me: Member, { goal, hint, checkpoint, pausedAt, pausedHash }: Rotation): EpochFacts {
  const index = Math.max(...[...me.line, ...me.shown, goal].map((id) => turn.epoch(id).index)) + 1
  const previous = { previous: goal, prevSequence: pausedAt, prevHash: pausedHash }
  return { id: NONE, index, hint, checkpoint, after: NONE, begun: NONE, ...previous }
}

function open(turn: Turn, place: number): void {
  const me = turn.member(place)
  const { rotation } = me
  if (rotation?.opening === undefined || rotationAt(me) !== 'opening') return
  const { opening } = rotation
  if (me.cursor > rotation.pausedAt) {
    step(turn, place, { type: 'late' })
    return
  }
  if (rotation.frames.length > 1) sendStage(me, rotation)
  else send(me, { t: 'open', facts: opening, isFirst: false, last: takeFrame(rotation) })
}

/** The reader has got on. */
export function readOn(turn: Turn, place: number): void {
  const me = turn.member(place)
  const { rotation } = me
  if (rotation === undefined) return
  if (rotationAt(me) === 'covering') tryToCover(turn, place)
  if (rotationAt(me) !== 'settling') return
  if (me.cursor === rotation.pausedAt && me.hash !== rotation.pausedHash) {
    step(turn, place, { type: 'failed' })
    return
  }
  step(turn, place, { type: 'read', sequence: me.cursor })
}

/** The relay has answered the rotator. */
export function noteAnswer(turn: Turn, place: number, message: Down): void {
  const me = turn.member(place)
  const { rotation } = me
  if (rotation === undefined) return
  switch (message.t) {
    case 'leased':
      step(turn, place, { type: 'leased' })
      break
    case 'staged':
      rotation.isStaging = false
      if (rotationAt(me) === 'opening') open(turn, place)
      else stage(turn, place)
      break
    case 'paused':
      rotation.pausedAt = message.sequence
      rotation.pausedHash = message.hash
      step(turn, place, { type: 'paused', sequence: message.sequence })
      readOn(turn, place)
      break
    case 'opened':
      opened(turn, place, rotation, message)
      break
    case 'refused': {
      rotation.isStaging = false
      const { code, head } = message
      const isSuperseded = code === 'stale-epoch' && head !== NONE && head !== rotation.goal
      step(turn, place, { type: 'refused', code, isSuperseded })
      if (isSuperseded) recordAppeared(turn, place, head, true)
      break
    }
  }
}

function opened(
  turn: Turn,
  place: number,
  rotation: Rotation,
  { record: id, sequence }: { record: number; sequence: number },
): void {
  const me = turn.member(place)
  if (rotation.opening === undefined || rotationAt(me) !== 'opening') return
  const { checkpoint } = rotation
  step(turn, place, { type: 'opened' })
  me.rotation = undefined
  openedOwn(turn, place, id, sequence, checkpoint)
}
