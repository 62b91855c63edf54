import type { Session, Shared } from './world.ts'
import { bit } from './world.ts'

/**
 * What the log has for a session next, after server/relay/src/room/delivery.ts. Entries, records and the end of a catch-up are not kept in a queue: the log
 * only grows, so that what is on its way is what has not been taken yet. A message that left at a mark is overtaken by nothing that came later.
 */
export type Delivered =
  | { readonly what: 'record'; readonly record: number; readonly index: number }
  | { readonly what: 'entry'; readonly sequence: number }
  | { readonly what: 'end'; readonly sequence: number }

export function nextDelivery({ records, log }: Shared, session: Session): Delivered | undefined {
  const [first] = session.down
  if (first?.t === 'joined' || session.behind > 0) return undefined
  const bound = first?.mark ?? { sequence: log.length, index: records.at(-1)?.index ?? -1 }
  const record = records.find(({ index, after }) => index > session.index && after < nextToSend(session))
  if (record !== undefined && record.index <= bound.index)
    return { what: 'record', record: record.id, index: record.index }
  if (record !== undefined) return undefined
  const sequence = nextToSend(session)
  if (sequence <= bound.sequence) return { what: 'entry', sequence }
  if (first === undefined && session.isOwedEnd) return { what: 'end', sequence: log.length }
  return undefined
}

/** Own entries are left out: their ack stands for them. */
export function nextToSend({ next, own }: Session): number {
  let sequence = next
  while ((own & bit(sequence)) !== 0) sequence++
  return sequence
}

/** Everything that the log holds was sent. */
export const isLive = (shared: Shared, session: Session): boolean =>
  nextDelivery(shared, session) === undefined && session.down.length === 0
