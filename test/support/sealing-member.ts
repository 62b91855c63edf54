import {
  createSealer,
  EnvelopeKind,
  type EpochKeys,
  encodeAwarenessBody,
  parseEpochRecord,
  type Sealer,
} from '@y-sealed/envelope'
import { RawClient } from '../scenario/relay-raw-client.ts'
import { hashAfter, keptKeys } from './removed-member.ts'
import type { World } from './world.ts'

/** A member with the document key and no provider of ours: seals whatever bytes it likes, and the relay, which cannot look inside, takes them. */
export class SealingMember {
  readonly #client: RawClient
  readonly #sealer: Sealer
  readonly #birth: { sequence: number; hash: Uint8Array }

  private constructor(client: RawClient, sealer: Sealer, birth: { sequence: number; hash: Uint8Array }) {
    this.#client = client
    this.#sealer = sealer
    this.#birth = birth
  }

  static async join(world: World, room = 'room'): Promise<SealingMember> {
    const record = (await world.records(room)).at(-1)
    if (record === undefined) throw new Error('the document has no epoch')
    const keys: EpochKeys = await keptKeys(world, record, room)
    const client = await RawClient.connect(world.relayUrl)
    await client.join(room)
    const log = await world.log(room)
    const sealer = await createSealer(keys, { epochIndex: parseEpochRecord(record).index })
    return new SealingMember(client, sealer, { sequence: log.at(-1)?.sequence ?? 0, hash: hashAfter(record, log) })
  }

  /** As problems name it. */
  get name(): string {
    return Buffer.from(this.#sealer.salt.subarray(0, 4)).toString('hex')
  }

  /** Resolves with the sequence once the relay has it. */
  async append(update: Uint8Array, { repair = false } = {}): Promise<number> {
    const birth = this.#sealer.unborn ? { birth: this.#birth } : {}
    const envelopes = await this.#sealer.seal(EnvelopeKind.update, update, { ...birth, ...(repair ? { repair } : {}) })
    const answer = await this.#client.append(envelopes)
    if (answer.type !== 'ack') throw new Error(`the relay refused it: ${answer.code}`)
    return answer.sequence
  }

  sayAwareness(update: Uint8Array): void {
    const [envelope] = this.#sealer.sealNow(EnvelopeKind.awareness, encodeAwarenessBody(Date.now(), update))
    if (envelope !== undefined) this.#client.say({ type: 'awareness', channel: 1, envelope })
  }

  end(): void {
    this.#client.end()
  }
}
