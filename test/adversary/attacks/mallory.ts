import { createSealer, EnvelopeKind, encodeAwarenessBody, parseEpochRecord, type Sealer } from '@y-sealed/envelope'
import * as encoding from 'lib0/encoding'
import { keptKeys } from '../../support/removed-member.ts'
import type { Person } from '../../support/world.ts'
import type { Scene } from '../scene.ts'

const NO_PROOF = new Uint8Array(0)

/** A member who has the keys and no provider of ours: seals any bytes, and the relay stores them like anybody's. */
export class Mallory {
  readonly #scene: Scene
  readonly #sealer: Sealer

  private constructor(scene: Scene, sealer: Sealer) {
    this.#scene = scene
    this.#sealer = sealer
  }

  static async join(scene: Scene): Promise<Mallory> {
    const head = scene.relay.room().shared.head
    if (head === undefined) throw new Error('there is an epoch')
    const keys = await keptKeys(scene.world, head.record)
    return new Mallory(scene, await createSealer(keys, { epochIndex: parseEpochRecord(head.record).index }))
  }

  write(update: Uint8Array): void {
    const { shared } = this.#scene.relay.room()
    const birth = { sequence: shared.sequence, hash: shared.hash as Uint8Array }
    const envelopes = this.#sealer.sealNow(EnvelopeKind.update, update, this.#sealer.unborn ? { birth } : {})
    shared.head?.add(envelopes.map((envelope) => ({ proof: NO_PROOF, envelope })))
    this.#scene.relay.room().changed(shared)
  }

  /** `session`: the one that the relay names as the speaker. */
  say(update: Uint8Array, session = 999): void {
    const [envelope] = this.#sealer.sealNow(
      EnvelopeKind.awareness,
      encodeAwarenessBody(this.#scene.clock.now(), update),
    )
    for (const to of this.#scene.relay.room().sessions)
      if (envelope !== undefined) to.say({ type: 'awareness', channel: to.channel, session, envelope })
  }
}

/** As lib0 writes it: numbers, one after the other. */
export function varints(...numbers: number[]): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const number of numbers) encoding.writeVarUint(encoder, number)
  return encoding.toUint8Array(encoder)
}

export const FAULTS = ['member-fault']

/** Ada has read a word of Bob's and has written none herself; and Mallory has the key. */
export async function withMallory(scene: Scene): Promise<{ ada: Person; bob: Person; mallory: Mallory }> {
  const ada = await scene.member('Ada', { expects: FAULTS })
  const bob = await scene.writer('Bob', { expects: FAULTS })
  await scene.agree(ada, bob)
  return { ada, bob, mallory: await Mallory.join(scene) }
}
