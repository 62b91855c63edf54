import type { EpochState, LeaseClaim, PauseClaim } from '../../server/relay/src/log/epoch-state.ts'
import { hashOf, placeAt, recordId } from './names.ts'
import { isOrphan, type Turn } from './turn.ts'
import type { Down, Edits, EpochFacts, LogEntry, Member, Place, RecordId, Session, Shared, Up } from './world.ts'
import { bit, NONE } from './world.ts'

/**
 * The relay around its pure functions (`epoch-state.ts`), after server/relay/src/session/session.ts and log/sqlite-log-store.ts. A message is carried out,
 * stored and answered in one step: a relay that dies in between is one that has not read the message, or whose answer is lost. Left out: awareness,
 * limits, heartbeats to whoever lacks nothing; a lease that is renewed (`look` asks whether it could be).
 */

/** Time stands still: what runs out is made to. */
const NOW = 1_000_000
const LATER_MS = 1_000
/** A lease or a pause in a store whose session is not there any more. */
const NOBODY = 1_000

export function endOf({ records, log }: Shared): Place {
  const head = records.at(-1)
  if (head === undefined) return NONE
  const last = log.length > head.after ? log[log.length - 1] : undefined
  return last?.hash ?? placeAt(head.id, 0, 0)
}

/** The document's state, as the store hands it to the rules. */
function epochState(turn: Turn): EpochState | undefined {
  const { head, shared } = turn
  if (head === undefined) return undefined
  let leaseHolder = NOBODY
  let pauser = NOBODY
  for (const [number, { isLeaseHolder, isPauser }] of turn.sessions()) {
    if (isLeaseHolder) leaseHolder = number
    if (isPauser) pauser = number
  }
  const lease: LeaseClaim = {
    session: leaseHolder,
    purpose: 'rotate',
    untilUnixMs: shared.lease === 'runs' ? NOW + LATER_MS : NOW,
  }
  const pause: PauseClaim = {
    session: pauser,
    untilUnixMs: shared.pause === 'runs' ? NOW + LATER_MS : NOW,
    againAtUnixMs: NOW + 2 * LATER_MS,
  }
  return {
    head: { index: head.index, hash: hashOf(head.id) },
    sequence: shared.log.length,
    hash: hashOf(endOf(shared)),
    lease: shared.lease === 'none' ? undefined : lease,
    pause: shared.pause === 'none' ? undefined : pause,
  }
}

function saveClaims(turn: Turn, { lease, pause }: EpochState): void {
  const { shared } = turn
  shared.lease = lease === undefined ? 'none' : lease.untilUnixMs > NOW ? 'runs' : 'over'
  shared.pause = pause === undefined || pause.againAtUnixMs <= NOW ? 'none' : pause.untilUnixMs > NOW ? 'runs' : 'rests'
  for (const [number, { isLeaseHolder, isPauser }] of [...turn.sessions()]) {
    const isHolder = lease?.session === number
    const isNowPauser = shared.pause !== 'none' && pause?.session === number
    if (isHolder === isLeaseHolder && isNowPauser === isPauser) continue
    const session = turn.session(number)
    session.isLeaseHolder = isHolder
    session.isPauser = isNowPauser
  }
}

/** The answer of a message, if anybody waits for it. */
type Answer = Down extends infer Each ? (Each extends Down ? Omit<Each, 'mark'> : never) : never

function answer(turn: Turn, number: number, { isDead }: Up, message: Answer): void {
  if (isDead || isOrphan(number)) return
  const session = turn.session(number)
  session.down = [...session.down, { ...message, mark: markOf(turn) } as Down]
}

const markOf = ({ shared, head }: Turn) => ({ sequence: shared.log.length, index: head?.index ?? NONE })

/** Carries out the first message that waits in a session. */
export function handle(turn: Turn, number: number): void {
  const session = turn.session(number)
  const [message, ...others] = session.up
  if (message === undefined) return
  session.up = others
  switch (message.t) {
    case 'append':
      append(turn, number, message)
      break
    case 'lease':
      lease(turn, number, message)
      break
    case 'stage':
      stage(turn, number, message)
      break
    case 'pause':
      pause(turn, number, message)
      break
    case 'open':
      open(turn, number, message)
      break
    case 'release':
      giveBack(turn, number)
      break
  }
}

function append(turn: Turn, number: number, message: Extract<Up, { t: 'append' }>): void {
  const session = turn.session(number)
  const state = epochState(turn)
  const { rules } = turn
  let code: string | undefined = 'stale-epoch'
  if (state !== undefined) {
    const epochIndex = indexOf(message.sealedUnder)
    code = rules.judgeAppend(state, [{ epochIndex }], NOW)
    if (!message.follows) session.hasMissed = false
    else if (code === undefined && session.hasMissed && rules.glue.countsSalts) code = 'out-of-order'
  }
  if (state === undefined || code !== undefined) {
    session.hasMissed = true
    const head = code === 'stale-epoch' ? (turn.head?.id ?? NONE) : NONE
    answer(turn, number, message, { t: 'append-refused', code: code ?? 'stale-epoch', head })
    return
  }
  store(turn, number, state, message.edits, message.sealedUnder)
  answer(turn, number, message, { t: 'ack', sequence: turn.shared.log.length })
}

const indexOf = (record: RecordId): number => record >> 1

/** One entry behind the head. */
function store(turn: Turn, number: number, state: EpochState, edits: Edits, sealedUnder: RecordId): EpochState {
  const { shared, head } = turn
  if (head === undefined) throw new Error('an entry without an epoch')
  const hash = placeAt(head.id, shared.log.length - head.after + 1, shared.generation)
  const after = turn.rules.appended(state, 1, hashOf(hash))
  const entry: LogEntry = { edits, sealedUnder, before: endOf(shared), hash }
  shared.log = [...shared.log, entry]
  if (after.sequence !== shared.log.length) throw new Error('the log and its sequence part')
  turn.session(number).own |= bit(shared.log.length)
  return after
}

function lease(turn: Turn, number: number, message: Extract<Up, { t: 'lease' }>): void {
  const state = epochState(turn)
  const wish = { session: number, purpose: 'rotate', head: hashOf(message.head), leaseMs: LATER_MS } as const
  const claimed = state && turn.rules.takeLease(state, wish, NOW)
  if (claimed?.granted) {
    saveClaims(turn, claimed.state)
    turn.session(number).desk = { checkpoint: NONE, entries: [] }
    answer(turn, number, message, { t: 'leased' })
  } else {
    refuse(turn, number, message, claimed?.code ?? 'stale-epoch')
  }
}

function refuse(turn: Turn, number: number, message: Up, code: string): void {
  answer(turn, number, message, { t: 'refused', code, head: code === 'stale-epoch' ? (turn.head?.id ?? NONE) : NONE })
}

function stage(turn: Turn, number: number, message: Extract<Up, { t: 'stage' }>): void {
  const session = turn.session(number)
  const { frame } = message
  const { desk } = session
  if (frame.isChunk && desk === undefined) {
    refuse(turn, number, message, 'busy')
    return
  }
  if (desk !== undefined) {
    if (frame.isChunk && desk.checkpoint !== NONE) {
      session.desk = { checkpoint: NONE, entries: [] }
      refuse(turn, number, message, 'out-of-order')
      return
    }
    session.desk = frame.isChunk
      ? { ...desk, checkpoint: frame.edits }
      : { ...desk, entries: [...desk.entries, frame.edits] }
  }
  answer(turn, number, message, { t: 'staged' })
}

function pause(turn: Turn, number: number, message: Up): void {
  const state = epochState(turn)
  const claimed = state && turn.rules.takePause(state, { session: number, pauseMs: LATER_MS, againMs: LATER_MS }, NOW)
  if (claimed?.granted) {
    saveClaims(turn, claimed.state)
    const { shared } = turn
    answer(turn, number, message, { t: 'paused', sequence: shared.log.length, hash: endOf(shared) })
  } else {
    refuse(turn, number, message, claimed?.code ?? 'busy')
  }
}

function open(turn: Turn, number: number, message: Extract<Up, { t: 'open' }>): void {
  const { shared, rules } = turn
  const session = turn.session(number)
  const { facts, isFirst, last } = message
  const staged = session.desk ?? { checkpoint: NONE, entries: [] }
  const checkpoint = last?.isChunk ? last.edits : staged.checkpoint
  const entries = last && !last.isChunk ? [...staged.entries, last.edits] : staged.entries
  // Whatever comes of it, what was staged is used up.
  if (session.desk) session.desk = { checkpoint: NONE, entries: [] }
  const replaces = isFirst
    ? undefined
    : { record: hashOf(facts.previous), sequence: facts.prevSequence, hash: hashOf(facts.prevHash) }
  const state = epochState(turn)
  const opening = { session: number, record: { index: facts.index }, replaces }
  const code = checkpoint !== facts.checkpoint ? 'malformed' : rules.judgeOpen(state, opening, NOW)
  if (code !== undefined) {
    refuse(turn, number, message, code)
    return
  }
  const id = recordId(facts.index, shared.generation)
  const { length } = shared.log
  const stored: EpochFacts = { ...facts, id, after: length, begun: length + entries.length }
  let now = rules.opened(state, { index: facts.index, hash: hashOf(id) }, hashOf(placeAt(id, 0, 0)))
  shared.records = [...shared.records, stored]
  saveClaims(turn, now)
  for (const edits of entries) now = store(turn, number, now, edits, id)
  session.desk = undefined
  session.index = facts.index
  answer(turn, number, message, { t: 'opened', record: id, sequence: shared.log.length })
}

/** Ends the session's lease and pause: it asked for that, or is over. */
export function giveBack(turn: Turn, number: number): void {
  turn.session(number).desk = undefined
  const state = epochState(turn)
  if (state !== undefined) saveClaims(turn, turn.rules.released(state, number))
}

/** The session looks whether the lease is still its own. */
export function look(turn: Turn, number: number): void {
  const state = epochState(turn)
  const session = turn.session(number)
  if (session.desk === undefined) return
  const renewed = state && turn.rules.renewed(state, { session: number, leaseMs: LATER_MS }, NOW)
  if (renewed === undefined) session.desk = undefined
}

/** All sessions are gone, and what they held (`dropClaims`). What is stored stays. */
export function crashRelay(turn: Turn): void {
  turn.orphans = []
  turn.shared.lease = 'none'
  turn.shared.pause = 'none'
}

/** A member's join, read and answered. After server/relay/src/session/resume.ts. */
export function join(turn: Turn, member: Member): Session {
  const { shared } = turn
  const { records, log } = shared
  const held = records.findIndex(({ id }) => id === member.epoch)
  const heldRecord = records[held]
  const later = records.slice(held + 1)
  const cursor = Math.min(member.cursor, log.length)
  const newest = later.at(-1)
  const start = heldRecord
    ? { after: cursor, index: heldRecord.index }
    : { after: Math.max(cursor, newest?.after ?? 0), index: newest?.index ?? NONE }
  return {
    up: [],
    down: [
      {
        t: 'joined',
        confirmed: isConfirmed(member, heldRecord, later, log),
        records: later.map(({ id }) => id),
        mark: markOf(turn),
      },
    ],
    next: start.after + 1,
    index: start.index,
    own: 0,
    behind: 0,
    isOwedEnd: true,
    isLeaseHolder: false,
    isPauser: false,
    desk: undefined,
    hasMissed: false,
  }
}

function isConfirmed(
  { epoch, cursor, hash }: Member,
  held: EpochFacts | undefined,
  [next]: readonly EpochFacts[],
  log: readonly LogEntry[],
): boolean {
  if (epoch === NONE) return cursor === 0
  if (held === undefined) return false
  if (cursor === held.after) return hash === placeAt(held.id, 0, 0)
  if (cursor < held.after || (next && cursor > next.after)) return false
  return log[cursor - 1]?.hash === hash
}
