import type { Down, Entries, Entry } from '@y-sealed/protocol'
import type { Lie } from './lying-socket.ts'

/** What is done to the log from `sequence` on, alike whenever it is read. */
type Retelling = (entry: Entry, sequence: number) => readonly Entry[] | undefined

/** The last bit of the tag: any other would do as well. */
export function alter(target: number): Lie {
  return entriesLie((entry, sequence) => [
    sequence === target ? { ...entry, envelope: flipped(entry.envelope) } : entry,
  ])
}

/** Leaves an entry out, and delivers what follows. */
export function drop(target: number): Lie {
  return entriesLie((entry, sequence) => (sequence === target ? undefined : [entry]))
}

/** Something old in place of an entry. */
export function replay(target: number, old: Entry): Lie {
  return entriesLie((entry, sequence) => [sequence === target ? old : entry])
}

/** Two entries that follow each other, in the other order. */
export function swap(first: number, entries: readonly [Entry, Entry]): Lie {
  const [one, other] = entries
  return entriesLie((entry, sequence) => [sequence === first ? other : sequence === first + 1 ? one : entry])
}

/** The log ends before what the editor has already seen. What it says meanwhile is not heard. */
export function rollBack(end: { sequence: number; hash: Uint8Array }): Lie {
  const atMost = <M extends { sequence: number; hash: Uint8Array }>(message: M): M =>
    message.sequence > end.sequence ? { ...message, ...end } : message
  return {
    hears: ({ type }) => !['append', 'stage', 'open', 'compact', 'lease'].includes(type),
    down(message) {
      if (message.type === 'entries') return message.first > end.sequence ? [] : [message]
      if (message.type === 'joined') return [{ ...atMost(message), confirmed: false }]
      if (message.type === 'caught-up' || message.type === 'heartbeat') return [atMost(message)]
      return [message]
    },
  }
}

function entriesLie(retell: Retelling): Lie {
  return {
    hears: () => true,
    down: (message) => (message.type === 'entries' ? retold(message, retell) : [message]),
  }
}

/** One message for each stretch that is left: what is left out is a gap between two. */
function retold(message: Entries, retell: Retelling): readonly Down[] {
  const told: Entries[] = []
  let stretch: Entries | undefined
  for (const [index, entry] of message.entries.entries()) {
    const sequence = message.first + index
    const heard = retell(entry, sequence)
    if (heard === undefined) stretch = undefined
    else if (stretch !== undefined) stretch.entries.push(...heard)
    else {
      // Behind a gap the hash is that of the honest log; eight bytes of another would not be better.
      stretch = { ...message, first: sequence, entries: [...heard] }
      told.push(stretch)
    }
  }
  return told
}

function flipped(envelope: Uint8Array): Uint8Array {
  const changed = envelope.slice()
  const last = changed.length - 1
  changed[last] = (changed[last] ?? 0) ^ 1
  return changed
}
