import { nextDelivery } from './delivery.ts'
import { chainedEpoch, hashOf, placeAt } from './names.ts'
import { endOf, join } from './relay.ts'
import {
  beginRotation,
  closeRotation,
  endRotation,
  logged,
  noteAnswer,
  readOn,
  rotationAt,
  superseded,
} from './rotate.ts'
import { sessionOf, type Turn } from './turn.ts'
import type { Down, Edits, LoadReason, LogEntry, Member, RecordId, Session, Shared, Up } from './world.ts'
import { bit, NONE, NOTHING, newcomer, without } from './world.ts'

/**
 * The provider around its pure functions, after packages/provider/src/session/session.ts and epochs.ts, epoch/epoch-walk.ts, inbound/inbound.ts and
 * outbound/appender.ts. What waits for a promise there (a key, a checkpoint, a new sealer) is a step of its own here; what waits for the end of the turn is
 * done at once. One update is one entry. Left out: parts, sealers' counters (the relay refuses gaps), limits, roles, other tabs, the local store, `replace`,
 * `force` and epochs whose key is refused.
 */

/** Why the relay was accused; in an honest world nobody is. */
export const ALARMS = {
  fork: 1,
  rollback: 2,
  relayFault: 4,
  /** The endpoint tells of an epoch before the relay does. With 5 s of patience that is a relay that hides it; here nothing takes time, and it may be honest. */
  hidden: 8,
} as const

export function alarm(turn: Turn, why: keyof typeof ALARMS): void {
  turn.shared.alarms |= ALARMS[why]
}

// --- connection ---

export function connect(turn: Turn, place: number): void {
  const me = turn.member(place)
  me.phase = 'joining'
  me.target = NONE
  me.shown = []
  me.session = join(turn, me)
}

/** The connection is lost: what the member had asked for may still be read. */
export function away(turn: Turn, place: number): void {
  const me = turn.member(place)
  if (me.session !== undefined) abandon(turn, me.session)
  me.session = undefined
  stopAppender(turn, me)
  stopEpochs(me)
  me.heard = 0
  me.acked = 0
  me.isRenewing = false
  // Nothing of these is read again before it is set anew.
  me.target = NONE
  me.shown = []
  me.isJoinStale = false
  me.phase = 'away'
}

/** What is on its way to the relay may arrive; a lease may last. */
function abandon(turn: Turn, session: Session): void {
  const up = session.up.map((message) => ({ ...message, isDead: true }))
  if (up.length === 0 && !session.isLeaseHolder && !session.isPauser) return
  const { desk, isLeaseHolder, isPauser, hasMissed } = session
  const left = { next: 0, index: 0, own: 0, behind: 0, isOwedEnd: false, down: [] }
  turn.orphans = [...turn.orphans, { ...left, up, desk, isLeaseHolder, isPauser, hasMissed }]
}

export function crash(turn: Turn, place: number): void {
  away(turn, place)
  Object.assign(turn.member(place), newcomer(), { phase: 'gone' })
}

/** Closing in good order: what waits is sent behind what is in flight, and no ack is waited for (`sendLast`). */
export function close(turn: Turn, place: number): void {
  const me = turn.member(place)
  if (me.isHeldBack) resend(turn, place)
  if (mayClose(me))
    send(me, { t: 'append', edits: me.waiting, sealedUnder: me.epoch, follows: me.inFlight !== NOTHING })
  crash(turn, place)
}

export const mayClose = (me: Member): boolean =>
  me.phase === 'live' && me.isStarted && !me.isPaused && me.waiting !== NOTHING

type Said = Up extends infer Each ? (Each extends Up ? Omit<Each, 'isDead'> : never) : never

export function send({ session }: Member, message: Said): void {
  if (session !== undefined) session.up = [...session.up, { ...message, isDead: false } as Up]
}

/** Nobody waits any more for what was asked in these words, nor for answers of this kind that are on their way. */
export function disregard({ session }: Member, ups: readonly Up['t'][], downs: readonly Down['t'][]): void {
  if (session === undefined) return
  session.up = session.up.map((message) => (ups.includes(message.t) ? { ...message, isDead: true } : message))
  const isKept = ({ t }: Down): boolean => !downs.includes(t)
  session.behind = session.down.slice(0, session.behind).filter(isKept).length
  session.down = session.down.filter(isKept)
}

// --- from the relay ---

/** Takes the first of the relay's answers. */
export function receive(turn: Turn, place: number): void {
  const me = turn.member(place)
  const [message, ...others] = me.session?.down ?? []
  if (me.session === undefined || message === undefined) return
  me.session.down = others
  me.session.behind = Math.max(0, me.session.behind - 1)
  switch (message.t) {
    case 'joined':
      joined(turn, place, message)
      break
    case 'ack':
      me.acked |= bit(message.sequence)
      drain(turn, place)
      break
    case 'append-refused':
      appendRefused(turn, place, message)
      break
    default:
      if (me.opener === 'sent') openingAnswered(turn, place, message)
      else noteAnswer(turn, place, message)
  }
}

/** Takes what the log has next. */
export function readLog(turn: Turn, place: number): void {
  const me = turn.member(place)
  const { session } = me
  const next = session && nextDelivery(turn.shared, session)
  if (session === undefined || next === undefined) return
  if (next.what === 'record') {
    session.index = next.index
    recordAppeared(turn, place, next.record)
  } else if (next.what === 'entry') {
    session.next = next.sequence + 1
    // While a person has to decide, they are another document's.
    if (next.sequence > me.cursor && me.phase !== 'held') me.heard |= bit(next.sequence)
    drain(turn, place)
  } else {
    session.next = next.sequence + 1
    session.isOwedEnd = false
    me.target = next.sequence
    drain(turn, place)
  }
}

function joined(turn: Turn, place: number, { confirmed, records }: Extract<Down, { t: 'joined' }>): void {
  const me = turn.member(place)
  me.phase = 'keying'
  me.shown = records
  const verdict = turn.rules.compareJoined(
    {
      type: 'joined',
      channel: 1,
      session: sessionOf(place),
      role: 'write',
      sequence: turn.shared.log.length,
      hash: turn.head === undefined ? new Uint8Array(0) : hashOf(endOf(turn.shared)),
      confirmed,
      pruned: 0,
      records: [],
    },
    judge(turn, me),
    {
      holdsEpoch: me.epoch !== NONE,
      cursor: me.cursor,
      showsHeld: me.shown.some((id) => me.line.includes(id)),
    },
  )
  switch (verdict.does) {
    case 'go-on':
      there(turn, place, false)
      break
    case 'open':
      me.opener = 'minting'
      break
    case 'take':
      if (verdict.isFork) alarm(turn, 'fork')
      take(turn, place, verdict.records, verdict.isFork)
      break
    case 'rewind':
      alarm(turn, 'rollback')
      restart(me, 'rewind')
      break
    case 'hold':
      hold(turn, place, 'rollback')
      break
    case 'distrust':
      distrust(turn, place)
      break
  }
}

export function recordAppeared(turn: Turn, place: number, record: RecordId, isAnswer = false): void {
  const me = turn.member(place)
  if (me.opener === 'sent') return
  me.shown = [...me.shown.filter((id) => id !== record || !turn.rules.glue.showsOnce), record]
  const verdict = judge(turn, me)
  if (verdict.is === 'next') {
    me.isJoinStale = true
    take(turn, place, verdict, false)
  } else if (verdict.is !== 'known' && me.phase !== 'held' && !isOnItsWay(turn, me, record, isAnswer)) {
    distrust(turn, place)
  }
}

/** What comes with a refusal overtakes the records that wait for their place in the log. */
function isOnItsWay(turn: Turn, { line, next }: Member, record: RecordId, isAnswer: boolean): boolean {
  if (!turn.rules.glue.waitsForRecords) return false
  const [oldest] = [...line, ...next]
  return isAnswer || (oldest !== undefined && turn.epoch(record).index < turn.epoch(oldest).index)
}

function judge(turn: Turn, { line, next, shown }: Member) {
  const facts = (ids: readonly RecordId[]) => ids.map((id) => chainedEpoch(turn.epoch(id)))
  return turn.rules.judgeRecords([...facts(line), ...facts(next)], facts(shown))
}

// --- epochs ---

type Next = Extract<ReturnType<typeof judge>, { is: 'next' }>

function take(turn: Turn, place: number, records: Next, isFork: boolean): void {
  const me = turn.member(place)
  superseded(turn, place)
  leave(turn, me)
  // Asking for its key overtakes asking for a first one (`KeyDesk`).
  if (me.opener === 'minting') me.opener = 'none'
  const kept = [...me.line, ...me.next]
  kept.length -= records.voids
  const next = records.next.map(({ hash }) => me.shown.find((id) => hashOf(id) === hash) ?? NONE)
  me.next = kept.length >= me.line.length ? [...kept.slice(me.line.length), ...next] : next
  if (isFork) restart(me, 'fork')
  else walk(turn, place)
}

/** Nothing more is sealed under the present epoch. */
function leave(turn: Turn, me: Member): void {
  stopAppender(turn, me)
  if (me.phase === 'held' && me.epoch !== NONE && turn.rules.glue.readsAfterHold) read(me)
  me.phase = 'keying'
}

/** The epoch is begun anew; what comes meanwhile follows another log than the one that was read so far. */
function restart(me: Member, why: LoadReason): void {
  me.end = me.cursor
  load(me, why)
}

function load(me: Member, why: LoadReason): void {
  me.walk = 'loading'
  me.why = why
}

function walk(turn: Turn, place: number): void {
  const me = turn.member(place)
  me.walk = 'still'
  const [nextId] = me.next
  if (nextId === undefined) return
  if (me.epoch === NONE) {
    load(me, 'cold')
    return
  }
  const how = judgeSwitch(turn, me, nextId)
  if (turn.rules.glue.stopsAtEnd) me.end = how === 'wait' ? turn.epoch(nextId).prevSequence : me.cursor
  if (how === 'wait') {
    me.walk = 'reading'
    drain(turn, place)
  } else if (how === 'go-on') {
    me.walk = 'adopting'
  } else {
    if (how === 'fork') alarm(turn, 'fork')
    load(me, how)
  }
}

function judgeSwitch(turn: Turn, { epoch, cursor, hash }: Member, next: RecordId) {
  return turn.rules.judgeSwitch(
    { recordHash: hashOf(epoch), cursor, hash: hashOf(hash) },
    chainedEpoch(turn.epoch(next)).parsed,
  )
}

/** The key of the next epoch is here: it goes on where the one before ended. */
export function adopt(turn: Turn, place: number): void {
  const me = turn.member(place)
  const [id, ...others] = me.next
  if (id === undefined) return
  if (others.length === 0 && isHidden(turn, id)) {
    contradicted(turn, place)
    return
  }
  me.next = others
  accept(turn, me, id)
  enter(me, id)
  const [after] = others
  if (after !== undefined) me.end = turn.epoch(after).prevSequence
  me.walk = 'still'
  entered(turn, place, false)
  // The way goes on from wherever that has led.
  if (turn.member(place).epoch === id && turn.member(place).next.length > 0) walk(turn, place)
}

/** The key and the checkpoint of the newest epoch are here. */
export function loaded(turn: Turn, place: number): void {
  const me = turn.member(place)
  const { why } = me
  const id = me.next.at(-1) ?? me.epoch
  if (me.next.length > 0 && isHidden(turn, id)) {
    contradicted(turn, place)
    return
  }
  for (const passed of me.next) accept(turn, me, passed)
  me.next = []
  begin(turn, me, id, turn.epoch(id).checkpoint)
  settleLoad(turn, place, why, false)
}

/** The endpoint has retired the key and knows of the record of a newer one, which the relay does not show (yet). */
function isHidden(turn: Turn, id: RecordId): boolean {
  const { shared } = turn
  return turn.epoch(id).hint < shared.key && (shared.pinned & bit(shared.key)) !== 0
}

function begin(turn: Turn, me: Member, id: RecordId, checkpoint: Edits): void {
  const { prevSequence } = turn.epoch(id)
  const isFirst = me.epoch === NONE
  me.cursor = prevSequence
  me.heard = isFirst ? without(me.heard, bit(prevSequence + 1) - 1) : 0
  me.acked = 0
  me.log = NOTHING
  enter(me, id)
  if (checkpoint === NONE) return
  me.doc |= checkpoint
  me.log |= checkpoint
  logged(me, checkpoint)
}

function enter(me: Member, id: RecordId): void {
  me.epoch = id
  me.hash = placeAt(id, 0, 0)
  me.end = NONE
}

function accept(turn: Turn, me: Member, id: RecordId): void {
  const { previous } = turn.epoch(id)
  const place = me.line.lastIndexOf(previous)
  me.line = [...(me.line.length === 0 || place >= 0 ? me.line.slice(0, place + 1) : me.line), id]
}

function settleLoad(turn: Turn, place: number, why: LoadReason, isOwn: boolean): void {
  const me = turn.member(place)
  me.walk = 'still'
  me.why = 'cold'
  if (why === 'fork') me.isForked = true
  if (why !== 'cold' && canFork(turn)) me.isHealing = true
  if (why !== 'rewind') announce(turn, place, isOwn, why !== 'cold')
  const readAgain = why !== 'cold' || me.isJoinStale
  me.isJoinStale = false
  there(turn, place, readAgain)
}

function entered(turn: Turn, place: number, isOwn: boolean): void {
  announce(turn, place, isOwn, true)
  drain(turn, place)
  if (turn.member(place).next.length === 0) there(turn, place, false)
}

/** What the endpoint said with the key is known, unless that was asked for long ago. */
function announce(turn: Turn, place: number, isOwn: boolean, isAnother: boolean): void {
  const me = turn.member(place)
  me.isDue = false
  me.isResting = false
  if (isAnother) me.hasReached = true
  if (!isOwn && isRetired(turn.shared, turn.epoch(me.epoch).hint)) retire(turn, place)
}

export const isRetired = ({ key }: Shared, hint: number): boolean => key > hint

/** The endpoint says that the key is not the one to write with any more. */
export function retire(turn: Turn, place: number): void {
  const me = turn.member(place)
  me.isPaused = true
  me.isDue = true
  closeRotation(turn, place)
  beginRotation(turn, place)
}

/** This member's rotation was taken: the epoch is its own. */
export function openedOwn(turn: Turn, place: number, id: RecordId, sequence: number, checkpoint: Edits): void {
  const me = turn.member(place)
  leave(turn, me)
  me.next = []
  const goesOn = me.epoch !== NONE && judgeSwitch(turn, me, id) === 'go-on'
  accept(turn, me, id)
  if (goesOn) {
    enter(me, id)
    me.target = sequence
    for (let own = turn.epoch(id).after + 1; own <= sequence; own++) me.acked |= bit(own)
    entered(turn, place, true)
  } else {
    begin(turn, me, id, checkpoint)
    settleLoad(turn, place, 'void', true)
  }
}

// --- the first epoch ---

/** The endpoint has given a key for it. */
export function mint(turn: Turn, place: number): void {
  const { shared } = turn
  const me = turn.member(place)
  if (shared.key === NONE) shared.key = 0
  if ((shared.pinned & bit(shared.key)) !== 0) {
    contradicted(turn, place)
    return
  }
  me.opener = 'sent'
  const facts = {
    id: NONE,
    index: 0,
    hint: shared.key,
    previous: NONE,
    prevSequence: 0,
    prevHash: NONE,
    after: 0,
    begun: 0,
  }
  send(me, { t: 'open', isFirst: true, last: undefined, facts: { ...facts, checkpoint: NONE } })
}

function openingAnswered(turn: Turn, place: number, message: Down): void {
  const me = turn.member(place)
  me.opener = 'none'
  if (message.t === 'opened') {
    me.next = []
    accept(turn, me, message.record)
    begin(turn, me, message.record, NONE)
    announce(turn, place, true, false)
    me.target = message.sequence
    there(turn, place, false)
  } else if (message.t === 'refused' && message.head !== NONE) {
    recordAppeared(turn, place, message.head, true)
  } else {
    distrust(turn, place)
  }
}

// --- the log ---

/** In the newest epoch, with its keys. */
function there(turn: Turn, place: number, readAgain: boolean): void {
  const me = turn.member(place)
  if (me.phase !== 'keying' || me.next.length > 0) return
  me.phase = 'reading'
  if (readAgain) read(me)
  drain(turn, place)
}

/** Asks for what is behind the cursor. The relay reads it before anything that is asked later: nothing is seen of the time in between. */
export function read(me: Member): void {
  const { session } = me
  if (session === undefined) return
  me.target = NONE
  me.isPaused = true
  if (me.phase === 'live') me.phase = 'reading'
  session.next = Math.min(session.next, me.cursor + 1)
  session.own = 0
  session.behind = session.down.length
  session.isOwedEnd = true
}

/** Takes what has come, as far as it goes. */
function drain(turn: Turn, place: number): void {
  const me = turn.member(place)
  const { shared } = turn
  let settled = false
  while (me.epoch !== NONE && me.session !== undefined) {
    const sequence = me.cursor + 1
    const entry = shared.log[sequence - 1]
    const isAcked = (me.acked & bit(sequence)) !== 0
    if (entry === undefined || (me.end !== NONE && sequence > me.end)) break
    if (!isAcked && (me.heard & bit(sequence)) === 0) break
    if (entry.before !== me.hash) {
      distrust(turn, place)
      return
    }
    me.heard = without(me.heard, bit(sequence))
    me.acked = without(me.acked, bit(sequence))
    me.cursor = sequence
    me.hash = entry.hash
    me.doc |= entry.edits
    me.log |= entry.edits
    logged(me, entry.edits)
    if (isAcked && me.inFlight !== NOTHING) settled = true
  }
  if (settled) {
    me.inFlight = NOTHING
    sendWaiting(me)
  }
  progress(turn, place)
}

function progress(turn: Turn, place: number): void {
  const me = turn.member(place)
  const [next] = me.next
  if (me.walk === 'reading' && next !== undefined && me.cursor >= turn.epoch(next).prevSequence) walk(turn, place)
  readOn(turn, place)
  beginRotation(turn, place)
  if (me.phase === 'reading' && me.target !== NONE && me.cursor >= me.target) becomeLive(turn, place)
}

function becomeLive(turn: Turn, place: number): void {
  const me = turn.member(place)
  me.phase = 'live'
  if (me.inFlight !== NOTHING) {
    if (!me.isDue) me.isPaused = false
    sendWaiting(me)
    return
  }
  if (me.isForked) me.disowned |= without(without(me.doc, me.log), me.own)
  me.isForked = false
  const lacking = without(me.doc, me.log | me.disowned)
  if (canFork(turn) && !me.isHealing) me.own |= lacking
  me.isHealing = false
  if (turn.rules.glue.keepsLaw) me.waiting = lacking
  me.isStarted = true
  me.isPaused = me.isDue
  sendWaiting(me)
  if (me.hasReached) me.wish = false
  me.hasReached = false
  beginRotation(turn, place)
}

// --- the outbox ---

export function edit(turn: Turn, place: number): void {
  const me = turn.member(place)
  const { shared } = turn
  const edits = bit(shared.made++)
  me.doc |= edits
  me.waiting |= edits
  if (canFork(turn)) me.own |= edits
  sendWaiting(me)
}

/** Only then is it kept who wrote what. */
const canFork = ({ shared }: Turn): boolean => shared.left.restores > 0 || shared.generation > 0

function sendWaiting(me: Member): void {
  if (me.phase !== 'live' || !me.isStarted || me.isPaused) return
  if (me.inFlight !== NOTHING || me.waiting === NOTHING) return
  me.inFlight = me.waiting
  me.waiting = NOTHING
  send(me, { t: 'append', edits: me.inFlight, sealedUnder: me.epoch, follows: false })
}

/** The relay goes on, or may: the same bytes again. */
export function resend(turn: Turn, place: number): void {
  const me = turn.member(place)
  me.isHeldBack = false
  send(me, { t: 'append', edits: me.inFlight, sealedUnder: me.epoch, follows: false })
}

function stopAppender(turn: Turn, me: Member): void {
  me.isStarted = false
  me.isHeldBack = false
  if (turn.rules.glue.restoresOutbox) me.waiting |= me.inFlight
  me.inFlight = NOTHING
  disregard(me, ['append'], ['ack', 'append-refused'])
}

function appendRefused(turn: Turn, place: number, { code, head }: Extract<Down, { t: 'append-refused' }>): void {
  const me = turn.member(place)
  if (code === 'paused') {
    me.isHeldBack = true
    return
  }
  stopAppender(turn, me)
  if (code === 'stale-epoch' && head !== NONE) {
    recordAppeared(turn, place, head, true)
    if (me.epoch === NONE || me.next.length > 0 || me.session === undefined) return
  }
  me.isRenewing = true
}

/** There is a new sealer: the log is read again, and what waits is sent under it. */
export function renewed(turn: Turn, place: number): void {
  const me = turn.member(place)
  me.isRenewing = false
  read(me)
}

// --- ends ---

/** The endpoint tells of an epoch that the relay has not shown. */
export function contradicted(turn: Turn, place: number): void {
  if (rotationAt(turn.member(place)) === 'opening' && turn.rules.glue.asksWhatBecame) away(turn, place)
  else hold(turn, place, 'hidden')
}

function hold(turn: Turn, place: number, why: keyof typeof ALARMS): void {
  const me = turn.member(place)
  alarm(turn, why)
  stopEpochs(me)
  stopAppender(turn, me)
  me.heard = 0
  me.acked = 0
  me.phase = 'held'
}

export function distrust(turn: Turn, place: number): void {
  alarm(turn, 'relayFault')
  away(turn, place)
}

function stopEpochs(me: Member): void {
  me.walk = 'still'
  me.why = 'cold'
  me.next = []
  me.end = NONE
  me.isResting = false
  if (me.opener === 'sent') disregard(me, ['open'], ['opened', 'refused'])
  me.opener = 'none'
  endRotation(me)
}

/** The log as this member last saw it has a hole: what comes next was left out. */
export const hasHole = (log: readonly LogEntry[], me: Member): boolean =>
  me.epoch !== NONE && me.heard !== 0 && ((me.heard | me.acked) & bit(me.cursor + 1)) === 0 && log.length > me.cursor
