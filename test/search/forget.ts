import { nextToSend } from './delivery.ts'
import type { Turn } from './turn.ts'
import { bit, type Member, NONE, NOTHING, type Session, without } from './world.ts'

/**
 * Two states that differ only in what nothing will ever ask for again are one: this forgets it. Each line says why it may.
 */
export function forget(turn: Turn): void {
  forgetClaims(turn)
  for (const place of turn.changed) {
    const me = turn.member(place)
    forgetOfMember(me, turn.rules.glue.keepsLaw)
    if (me.session !== undefined) forgetOfSession(me.session)
  }
}

function forgetOfMember(me: Member, keepsLaw: boolean): void {
  // A record that is held is found there first.
  if (me.shown.length > 0) me.shown = me.shown.filter((id) => !me.line.includes(id))
  // Where catching up ended matters until it is reached.
  if (me.target !== NONE && me.cursor >= me.target) me.target = 0
  // Whoever has an epoch reads again whenever it loads one.
  if (me.epoch !== NONE) me.isJoinStale = false
  if (me.isStarted || me.phase === 'live') return
  // Before anything is sent, the outbox becomes what the log lacks.
  me.isPaused = false
  if (keepsLaw) me.waiting = NOTHING
}

function forgetOfSession(session: Session): void {
  session.next = nextToSend(session)
  session.own = without(session.own, bit(session.next) - 1)
  // Only what follows on an append that is still to be read asks whether one was missed.
  session.hasMissed &&= session.up.some((message) => message.t === 'append' && message.follows)
}

/** Claims that are over, and whose session is gone, stand in nobody's way. */
function forgetClaims(turn: Turn): void {
  const { lease, pause } = turn.after.shared
  if (lease !== 'over' && pause !== 'rests') return
  const sessions = [...turn.sessions()]
  if (lease === 'over' && !sessions.some(([, { isLeaseHolder }]) => isLeaseHolder)) turn.shared.lease = 'none'
  if (pause === 'rests' && !sessions.some(([, { isPauser }]) => isPauser)) turn.shared.pause = 'none'
}
