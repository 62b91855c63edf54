import { ALARMS } from './member.ts'
import { placeAt } from './names.ts'
import { endOf } from './relay.ts'
import type { Edits, Member, Shared, World } from './world.ts'
import { NONE, NOTHING, without } from './world.ts'

/** What holds in every state; the first that does not is named. */
export const INVARIANTS = [
  'one head epoch: the records form one chain, each at the end of the log of the one before',
  'an entry is stored under the head epoch only',
  'every edit that was ever stored is reachable by a cold reader',
  'a checkpoint adds nothing to the log',
  'nothing of a document is in neither log nor outbox',
  'what a member takes for logged is logged',
  'an honest relay is accused of nothing',
] as const

/** What holds where nothing is owed to anybody any more. */
export const AT_REST = [
  'nobody waits: everybody is live, in the head epoch, with an empty outbox and no wish',
  'every member has what a cold reader has',
] as const

export type Broken = (typeof INVARIANTS)[number] | (typeof AT_REST)[number]

/** What somebody who has never been here reads: the head's checkpoint and what follows. */
export function coldReader({ records, log }: Shared): Edits {
  const head = records.at(-1)
  if (head === undefined) return NOTHING
  let edits = head.checkpoint === NONE ? NOTHING : head.checkpoint
  for (const entry of log.slice(head.prevSequence)) edits |= entry.edits
  return edits
}

export function brokenInvariant(world: World): Broken | undefined {
  const { shared, members } = world
  const wasRestored = shared.generation > 0
  if (!isChain(shared)) return INVARIANTS[0]
  if (shared.log.some(({ sealedUnder }, i) => sealedUnder !== epochAt(shared, i + 1))) return INVARIANTS[1]
  const cold = coldReader(shared)
  const stored = shared.log.reduce((all, { edits }) => all | edits, NOTHING)
  // What a relay has lost nobody can read; what others bring back is another matter.
  if (!wasRestored && without(stored, cold) !== NOTHING) return INVARIANTS[2]
  if (!wasRestored && without(cold, stored) !== NOTHING) return INVARIANTS[3]
  if (members.some(hasLost)) return INVARIANTS[4]
  if (!wasRestored && members.some(({ log }) => without(log, cold) !== NOTHING)) return INVARIANTS[5]
  if (!wasRestored && (shared.alarms & ~ALARMS.hidden) !== 0) return INVARIANTS[6]
  return undefined
}

function isChain({ records, log }: Shared): boolean {
  return records.every(({ index, previous, prevSequence, prevHash, after }, i) => {
    const before = records[i - 1]
    if (before === undefined) return previous === NONE
    if (previous !== before.id || index <= before.index) return false
    const last = after > before.after ? log[after - 1]?.hash : placeAt(before.id, 0, 0)
    return prevSequence === after && prevHash === last
  })
}

const epochAt = ({ records }: Shared, sequence: number): number | undefined =>
  records.findLast(({ after }) => after < sequence)?.id

const hasLost = ({ phase, doc, log, waiting, inFlight, disowned, isForked }: Member): boolean =>
  phase === 'live' && !isForked && without(doc, log | waiting | inFlight | disowned) !== NOTHING

export function brokenAtRest({ shared, members }: World): Broken | undefined {
  const cold = coldReader(shared)
  const head = shared.records.at(-1)
  for (const me of members) {
    const { phase, waiting, inFlight, wish, isDue, rotation, epoch, cursor, hash } = me
    if (phase !== 'live' || wish || isDue || rotation !== undefined || waiting !== NOTHING || inFlight !== NOTHING)
      return AT_REST[0]
    if (epoch !== head?.id || cursor !== shared.log.length || hash !== endOf(shared)) return AT_REST[0]
    if (without(me.doc, me.disowned) !== without(cold, me.disowned)) return AT_REST[1]
  }
  return undefined
}
