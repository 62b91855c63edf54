import { released, renewed, takeLease, takePause } from './epoch-state.ts'
import type { LeaseRequest, LeaseResult, PauseRequest, PauseResult } from './log-store.ts'
import { isRotation, isTooOften, lately } from './rotation-rate.ts'
import { refusal, type Tables } from './sqlite-tables.ts'

export function lease(tables: Tables, { room, atMost, ...wish }: LeaseRequest): LeaseResult {
  const { rows, now } = tables
  const document = rows.document(room)
  if (!document) return { granted: false, code: 'stale-epoch' }
  if (atMost && isRotation(document.state, wish)) {
    const opened = rows.openedSince(document.id, lately(now()))
    if (isTooOften(opened, atMost)) return { granted: false, code: 'too-often' }
  }
  const claimed = takeLease(document.state, wish, now())
  if (!claimed.granted) return { granted: false, ...refusal(tables, claimed.code, document) }
  rows.save(document.id, claimed.state)
  return { granted: true }
}

export function renew(
  { rows, now }: Tables,
  { room, ...wish }: { room: string; session: number; leaseMs: number },
): boolean {
  const document = rows.document(room)
  const state = document && renewed(document.state, wish, now())
  if (state) rows.save(document.id, state)
  return state !== undefined
}

export function pause({ rows, now }: Tables, { room, ...wish }: PauseRequest): PauseResult {
  const document = rows.document(room)
  if (!document) return { granted: false, code: 'busy' }
  const claimed = takePause(document.state, wish, now())
  if (!claimed.granted) return claimed
  rows.save(document.id, claimed.state)
  const { sequence, hash } = claimed.state
  return { granted: true, sequence, hash }
}

export function release({ rows }: Tables, room: string, session: number): void {
  const document = rows.document(room)
  if (!document) return
  const state = released(document.state, session)
  if (state !== document.state) rows.save(document.id, state)
}
