import { EnvelopeKind, parseHeader } from '@y-sealed/protocol/header'
import type { StoredEntry } from 'y-sealed/observe'
import { saidBy } from './rotation-steps.ts'
import type { Person, World } from './world.ts'

const isWitness = ({ envelope }: { envelope: Uint8Array }): boolean =>
  parseHeader(envelope).kind === EnvelopeKind.witness

/** The witnesses in the log of a room. */
export async function witnessesIn(world: World, room = 'room'): Promise<StoredEntry[]> {
  return (await world.log(room)).filter(isWitness)
}

/** The witnesses that somebody has sent to the relay. */
export function witnessesBy(person: Person): Uint8Array[] {
  return saidBy(person)
    .flatMap((message) => (message.type === 'append' || message.type === 'stage' ? message.envelopes : []))
    .filter(isWitness)
    .map(({ envelope }) => envelope)
}

/** The salt of an envelope as problems name it. */
export function sealerOf(envelope: Uint8Array): string {
  return Buffer.from(parseHeader(envelope).salt.subarray(0, 4)).toString('hex')
}
