import { nextDelivery } from './delivery.ts'
import { forget } from './forget.ts'
import * as member from './member.ts'
import { placeAt } from './names.ts'
import { crashRelay, giveBack, handle, look } from './relay.ts'
import * as rotate from './rotate.ts'
import type { Rules } from './rules.ts'
import { orphanAt, sessionOf, Turn } from './turn.ts'
import type { Budget, LogEntry, Member, Session, Shared, World } from './world.ts'
import { bit, NONE, NOTHING } from './world.ts'

/** What can happen next. `isOwed`: it will, sooner or later, if nothing else does; the others are faults and wishes. */
export type Visit = (what: string, who: number, isOwed: boolean, after: World) => void

export interface StepOptions {
  readonly rules: Rules
  /** The endpoint keeps the record of each key that members report. */
  readonly keepsRecords: boolean
  /** Members ask the endpoint at any time whether their key is retired, not only when they get it. */
  readonly asksAnytime: boolean
}

export function eachStep(world: World, options: StepOptions, visit: Visit): void {
  const { rules } = options
  const take = (what: string, who: number, isOwed: boolean, change: (turn: Turn) => void): void => {
    const turn = new Turn(world, rules)
    change(turn)
    followAtOnce(turn)
    forget(turn)
    visit(what, who, isOwed, turn.after)
  }
  const fault = (what: keyof Budget, name: string, who: number, change: (turn: Turn) => void): void => {
    if (world.shared.left[what] <= 0) return
    take(name, who, false, (turn) => {
      turn.spend(what)
      change(turn)
    })
  }
  world.members.forEach((me, place) => {
    stepsOfMember(world, me, place, options, take)
    faultsOfMember(me, place, fault)
  })
  world.orphans.forEach(({ up }, place) => {
    if (up.length > 0) take('the relay reads from a lost connection', -1, true, (turn) => handle(turn, orphanAt(place)))
    take('the relay notices a lost connection', -1, true, (turn) => {
      giveBack(turn, orphanAt(place))
      turn.orphans = turn.orphans.filter((_, i) => i !== place)
    })
  })
  stepsOfRelay(world, take, fault)
}

type Take = (what: string, who: number, isOwed: boolean, change: (turn: Turn) => void) => void
type Fault = (what: keyof Budget, name: string, who: number, change: (turn: Turn) => void) => void

function stepsOfMember({ shared }: World, me: Member, place: number, options: StepOptions, take: Take): void {
  const owed = (what: string, change: (turn: Turn, place: number) => void): void =>
    take(what, place, true, (turn) => change(turn, place))
  const { session, phase } = me
  if (phase === 'gone') owed('starts anew', (turn) => Object.assign(turn.member(place), { phase: 'away' }))
  if (phase === 'away') owed('joins', member.connect)
  if (session === undefined) return
  const [up] = session.up
  const [down] = session.down
  if (up !== undefined) owed(`is read by the relay: ${up.t}`, (turn) => handle(turn, sessionOf(place)))
  if (down !== undefined) owed(`hears: ${down.t}`, member.receive)
  const delivery = nextDelivery(shared, session)
  if (delivery !== undefined) owed(`reads: ${delivery.what}`, member.readLog)
  if (session.desk !== undefined && !(session.isLeaseHolder && shared.lease === 'runs')) {
    owed('loses the lease', (turn) => look(turn, sessionOf(place)))
  }
  if (me.walk === 'adopting') owed('gets the key of the next epoch', member.adopt)
  if (me.walk === 'loading') owed('gets key and checkpoint', member.loaded)
  if (me.opener === 'minting') owed('gets a first key', member.mint)
  if (me.isRenewing) owed('has a new sealer', member.renewed)
  if (me.isHeldBack && shared.pause !== 'runs') owed('appends again', member.resend)
  stepsOfRotation(shared, me, place, session, take)
  watches(shared, me, session, owed)
  if (me.epoch !== NONE && (phase === 'reading' || phase === 'live')) looks(shared, me, place, options, take)
}

/** What the endpoint says about the key in use (`KeyWatch`). Nobody has to ask. */
function looks(
  shared: Shared,
  me: Member,
  place: number,
  { keepsRecords, asksAnytime }: StepOptions,
  take: Take,
): void {
  const hint = shared.records.find(({ id }) => id === me.epoch)?.hint ?? NONE
  if (asksAnytime && member.isRetired(shared, hint) && !me.isDue) {
    take('learns that the key is retired', place, false, (turn) => member.retire(turn, place))
  }
  if (keepsRecords && member.isRetired(shared, hint) && (shared.pinned & bit(shared.key)) !== 0) {
    take('learns of an epoch that it was not shown', place, false, (turn) => member.contradicted(turn, place))
  }
  if (keepsRecords && (shared.pinned & bit(hint)) === 0) {
    take('reports its epoch to the endpoint', place, true, (turn) => {
      turn.shared.pinned |= bit(hint)
    })
  }
}

function stepsOfRotation(shared: Shared, me: Member, place: number, session: Session, take: Take): void {
  const timer = (what: string, isOwed: boolean): void => {
    if (!isOwed && shared.left.lates <= 0) return
    take(what, place, isOwed, (turn) => {
      if (!isOwed) turn.spend('lates')
      rotate.step(turn, place, { type: 'timer' })
    })
  }
  if (me.rotation?.isReadingLog) take('has read the log', place, true, (turn) => rotate.covered(turn, place))
  switch (rotate.rotationAt(me)) {
    case 'keying':
      take('gets a new key', place, true, (turn) => rotate.keyed(turn, place))
      break
    case 'waiting':
      timer('asks for the lease again', true)
      break
    case 'covering':
      if (!me.rotation?.isReadingLog) timer('gives up covering the log', false)
      break
    case 'settling':
      timer('gives up the pause', false)
      break
    case 'resting':
      // 31 s, of which the relay wants 30.
      if (!session.isPauser || shared.pause !== 'rests') timer('has rested', true)
      break
    case undefined:
      if (me.isResting) take('has rested', place, true, (turn) => rotate.rested(turn, place))
      break
  }
}

/** What a session does when it notices that something is missing. */
function watches(
  shared: Shared,
  me: Member,
  session: Session,
  owed: (what: string, change: (turn: Turn, place: number) => void) => void,
): void {
  if (nextDelivery(shared, session) !== undefined || session.down.length > 0) return
  if (member.hasHole(shared.log, me)) {
    owed('notices a hole', (turn, place) => member.read(turn.member(place)))
  } else if (isBehind(shared, me)) {
    owed('hears in a heartbeat that it lacks entries', (turn, place) => member.read(turn.member(place)))
  } else if (session.up.length === 0 && isStalled(me)) {
    owed('waits for nothing, and notices', member.distrust)
  }
}

const isBehind = ({ log }: Shared, me: Member): boolean =>
  me.phase === 'live' && me.inFlight === NOTHING && me.heard === 0 && me.acked === 0 && log.length > me.cursor

/** It waits for an answer of the relay's, and nothing is on its way (`StallWatch`). */
const isStalled = (me: Member): boolean =>
  me.phase === 'reading' ||
  me.walk === 'reading' ||
  me.opener === 'sent' ||
  (me.inFlight !== NOTHING && !me.isHeldBack) ||
  me.rotation?.isStaging === true ||
  ['leasing', 'pausing', 'opening'].includes(rotate.rotationAt(me) ?? '')

function faultsOfMember(me: Member, place: number, fault: Fault): void {
  if (me.phase === 'gone') return
  fault('edits', 'writes', place, (turn) => member.edit(turn, place))
  if (!me.wish) {
    fault('rotations', 'wishes for a new key', place, (turn) => {
      turn.member(place).wish = true
      rotate.beginRotation(turn, place)
    })
  }
  if (me.session !== undefined) fault('cuts', 'loses its connection', place, (turn) => member.away(turn, place))
  fault('crashes', 'dies', place, (turn) => member.crash(turn, place))
  if (member.mayClose(me)) fault('crashes', 'closes with last words', place, (turn) => member.close(turn, place))
}

function stepsOfRelay({ shared, members }: World, take: Take, fault: Fault): void {
  const { lease, pause, records, log } = shared
  const holder = members.find(({ session }) => session?.isLeaseHolder)
  const pauser = members.find(({ session }) => session?.isPauser)
  const end = (isOwed: boolean, name: string, change: (turn: Turn) => void): void => {
    if (isOwed) take(name, -1, true, change)
    else fault('lates', name, -1, change)
  }
  if (lease === 'runs') {
    end(holder === undefined, 'the lease runs out', (turn) => {
      turn.shared.lease = 'over'
    })
  }
  if (pause === 'runs') {
    const isUsed = ['pausing', 'settling', 'opening'].includes((pauser && rotate.rotationAt(pauser)) ?? '')
    end(!isUsed, 'the pause runs out', (turn) => {
      turn.shared.pause = 'rests'
    })
  }
  if (pause === 'rests') {
    take('the relay would pause again', -1, true, (turn) => {
      turn.shared.pause = 'none'
      for (const [number, { isPauser }] of [...turn.sessions()]) if (isPauser) turn.session(number).isPauser = false
    })
  }
  const head = records.at(-1)
  if (head !== undefined && shared.key === head.hint) {
    fault('rotations', 'the key is retired at the endpoint', -1, (turn) => {
      turn.shared.key++
    })
  }
  fault('relayCrashes', 'the relay dies and comes back', -1, allAway)
  if (head === undefined) return
  for (let length = head.begun; length < log.length; length++) {
    fault('restores', `the relay comes back from a copy that ends at ${length}`, -1, (turn) => {
      allAway(turn)
      turn.shared.log = log.slice(0, length)
      turn.shared.generation++
    })
  }
}

function allAway(turn: Turn): void {
  turn.after.members.forEach(({ session }, place) => {
    if (session !== undefined) member.away(turn, place)
  })
  crashRelay(turn)
}

/**
 * Messages whose time on the way makes no difference: until they arrive, their member does nothing that it could not have done before or after, and if its
 * connection is lost on the way, what they would have changed is lost with it. So they arrive as soon as nothing is before them. An append, its ack, what
 * is staged, `pause`, `open` and `opened` take their time.
 */
const AT_ONCE = {
  up: ['lease', 'release'] as readonly string[],
  down: ['joined', 'append-refused', 'leased', 'staged', 'paused', 'refused'] as readonly string[],
}

function followAtOnce(turn: Turn): void {
  for (let isDone = false; !isDone; ) {
    isDone = true
    turn.after.members.forEach(({ session }, place) => {
      const [up] = session?.up ?? []
      const [down] = session?.down ?? []
      if (up !== undefined && AT_ONCE.up.includes(up.t)) handle(turn, sessionOf(place))
      else if (down !== undefined && AT_ONCE.down.includes(down.t)) member.receive(turn, place)
      else return
      isDone = false
    })
  }
}

/** A document in its first epoch with one entry, which all have read. */
export function startedWorld(world: World): World {
  const id = 0
  const edits = bit(0)
  const start = placeAt(id, 0, 0)
  const hash = placeAt(id, 1, 0)
  const entry: LogEntry = { edits, sealedUnder: id, before: start, hash }
  const session: Session = {
    up: [],
    down: [],
    next: 2,
    index: 0,
    own: 0,
    behind: 0,
    isOwedEnd: false,
    isLeaseHolder: false,
    isPauser: false,
    desk: undefined,
    hasMissed: false,
  }
  const record = {
    id,
    index: 0,
    hint: 0,
    previous: NONE,
    prevSequence: 0,
    prevHash: NONE,
    checkpoint: NONE,
    after: 0,
    begun: 0,
  }
  return {
    shared: { ...world.shared, key: 0, records: [record], log: [entry], made: 1 },
    members: world.members.map((me) => ({
      ...me,
      phase: 'live',
      doc: edits,
      log: edits,
      isStarted: true,
      epoch: id,
      line: [id],
      cursor: 1,
      hash,
      target: 1,
      session,
    })),
    orphans: [],
  }
}
