import { setTimeout as after } from 'node:timers/promises'
import { FakeSealer, fakeRecord, RawClient } from '../scenario/relay-raw-client.ts'

const MEMBERS = 5
// A person who types; nobody waits for the relay.
const APPEND_EVERY_MS = 40
// Each member is there for some ten seconds: what a test client has heard goes with it.
const APPENDS_PER_VISIT = 50
const APPENDS_PER_EPOCH = 400

/** A room in which somebody always writes, and others come and go. */
export class SoakedRoom {
  appends = 0
  joins = 0
  rotations = 0
  epoch = 0
  readonly #url: string
  readonly #name: string
  #record = fakeRecord()
  #members: RawClient[] = []

  private constructor(url: string, name: string) {
    this.#url = url
    this.#name = name
  }

  static async open(url: string, name: string): Promise<SoakedRoom> {
    const room = new SoakedRoom(url, name)
    for (let i = 0; i < MEMBERS; i++) await room.#enter()
    await room.#members[0]?.open(room.#record)
    return room
  }

  /** `chunks`: the checkpoint of the next epoch. */
  async liveUntil(endMs: number, chunks: () => Uint8Array[]): Promise<void> {
    while (performance.now() < endMs) {
      const writer = await this.#enter()
      const sealer = new FakeSealer(this.epoch)
      for (let i = 0; i < APPENDS_PER_VISIT && performance.now() < endMs; i++) {
        const answer = await writer.append([sealer.seal(150), sealer.seal(80)])
        if (answer.type === 'refused') throw new Error(`an append was refused: ${answer.code}`)
        this.appends++
        if (this.appends % APPENDS_PER_EPOCH === 0) {
          await this.#rotate(writer, chunks())
          break
        }
        await after(APPEND_EVERY_MS)
      }
      this.#members.shift()?.end()
    }
  }

  end(): void {
    for (const member of this.#members) member.end()
  }

  async #enter(): Promise<RawClient> {
    const member = await RawClient.connect(this.#url)
    await member.join(this.#name)
    this.#members.push(member)
    this.joins++
    return member
  }

  async #rotate(writer: RawClient, chunks: Uint8Array[]): Promise<void> {
    const next = fakeRecord(this.epoch + 1)
    const answer = await writer.rotate(next, this.#record, { chunks })
    if (answer.type === 'refused') throw new Error(`a rotation was refused: ${answer.code}`)
    this.#record = next
    this.epoch++
    this.rotations++
  }
}
