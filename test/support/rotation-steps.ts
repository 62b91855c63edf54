import { parseEpochRecord } from '@y-sealed/envelope'
import type { Down, Up } from '@y-sealed/protocol'
import { parseHeader } from '@y-sealed/protocol/header'
import type { StoredEntry } from 'y-sealed/observe'
import { patiently, untilTrue } from './events.ts'
import type { FakeClock } from './fake-clock.ts'
import type { Person, World } from './world.ts'

/** What somebody said to the relay, on all connections, oldest first. */
export function saidBy({ wire }: Person): Up[] {
  return wire.sockets.flatMap(({ connection }) => wire.capture.messages('up', connection))
}

/** What the relay said to somebody, on all connections, oldest first. */
export function heardBy({ wire }: Person): Down[] {
  return wire.sockets.flatMap(({ connection }) => wire.capture.messages('down', connection))
}

/** How often the relay has refused somebody's requests with `paused`. */
export function pausedRefusals(person: Person): number {
  return heardBy(person).filter((message) => message.type === 'refused' && message.code === 'paused').length
}

/** Resolves when somebody has entered this epoch, or a later one. */
export function untilEpoch({ provider, name }: Person, index: number): Promise<void> {
  return untilTrue(provider, 'epoch', () => (provider.epoch?.index ?? -1) >= index, `${name} to enter epoch ${index}`)
}

/** Resolves when somebody writes in this epoch: what they ask for from then on is another one. */
export async function writesIn(person: Person, index: number): Promise<void> {
  await untilEpoch(person, index)
  person.doc.getText('notes').insert(0, `${person.name} in ${index}. `)
  await patiently(person.provider.flush(), `${person.name} to write in epoch ${index}`)
}

/** Index, and hint of the key, of every epoch that the relay holds, oldest first. */
export async function epochsOf(world: World, room = 'room'): Promise<{ index: number; keyHint: string }[]> {
  return (await world.records(room)).map(parseEpochRecord).map(({ index, keyHint }) => ({ index, keyHint }))
}

/** The epoch that each entry is sealed for. */
export function indexesOf(log: readonly StoredEntry[]): number[] {
  return log.map(({ envelope }) => parseHeader(envelope).epochIndex)
}

/** A rotation that cannot end: longer than a lease that runs out (60 s, looked at every 15 s) and a few waits of who asks again. */
const MAX_PASSING_MS = 300_000

/** Moves clocks on together, in steps, until something has happened; what then takes no time by these clocks is to be awaited as ever. */
export async function passUntil(happened: Promise<unknown>, clocks: readonly FakeClock[], stepMs = 100): Promise<void> {
  let hasHappened = false
  const done = happened.finally(() => {
    hasHappened = true
  })
  for (let passedMs = 0; !hasHappened && passedMs < MAX_PASSING_MS; passedMs += stepMs) {
    for (const clock of clocks) await clock.advance(stepMs)
  }
  await patiently(done, 'something that time alone should bring')
}
