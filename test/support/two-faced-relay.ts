import type { Down } from '@y-sealed/protocol'
import { expect } from 'vitest'
import { untilText } from './events.ts'
import type { FakeClock } from './fake-clock.ts'
import { passUntil, saidBy, untilEpoch } from './rotation-steps.ts'
import { synced } from './steps.ts'
import type { Person, World } from './world.ts'

/** What Ada has written and Bob has read before the relay begins to lie. */
export const BEFORE = 'before the rotation. '

/** Both have the same text. Whatever Bob is shown from now on passes through the test's hands; his clock is the test's. */
export async function adaAndBob(
  world: World,
  clock: FakeClock,
  ...expects: string[]
): Promise<{ ada: Person; bob: Person }> {
  const ada = await world.joined('Ada')
  ada.text.insert(0, BEFORE)
  await ada.provider.flush()
  const bob = await world.joined('Bob', { unsafeClock: clock, expects })
  await untilText(bob.doc, BEFORE)
  return { ada, bob }
}

/** Changes what the relay says to somebody, message by message. */
export function retell({ wire }: Person, change: (message: Down) => readonly Down[]): void {
  wire.rewrite('down', (messages) => (messages as Down[]).flatMap(change))
}

/** The relay tells the truth from the next connection on: nothing is left of what it said before. */
export async function becomesHonest(
  world: World,
  clock: FakeClock,
  person: Person,
  { index, text }: { index: number; text: string },
): Promise<void> {
  person.wire.rewrite('down', undefined)
  person.wire.cut()
  await passUntil(untilEpoch(person, index), [clock])
  await passUntil(synced(person), [clock])
  await untilText(person.doc, text)
  person.doc.getText('notes').insert(0, 'and goes on')
  await passUntil(person.provider.flush(), [clock])
  expect((await world.joined('fresh reader')).doc.getText('notes').toString()).toBe('and goes on')
}

/** Where the relay speaks to somebody now. */
export function channelOf(person: Person): number {
  const join = saidBy(person).findLast(({ type }) => type === 'join')
  if (join === undefined || !('channel' in join)) throw new Error('this person has not joined')
  return join.channel
}

/** The same bytes but for one bit; a place below zero counts from the end. */
export function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const other = bytes.slice()
  const place = at < 0 ? bytes.length + at : at
  other[place] = (other[place] ?? 0) ^ 1
  return other
}
