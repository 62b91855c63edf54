import type { LogStore, NewChunk } from '../../server/relay/src/log/log-store.ts'
import { type Retention, type SweepTerms, sweepTerms } from '../../server/relay/src/log/retention.ts'
import { bytes, chunksOf, expectStored, nameOf, record, run } from './log-store-fixtures.ts'

export const ROOM = 'a room'
export const DAY_MS = 86_400_000
export const GRACE_MS = 10 * 60_000
export const SALT_MS = 2 * 3_600_000

export type Person = 'alice' | 'bob'

/** A document of two people in a store, and what they do with it. */
export class CheckpointedLog {
  now = Date.UTC(2030, 0, 1)
  store!: LogStore
  head = record()
  readonly #sessions = { alice: 1, bob: 2 }
  readonly #sealers = { alice: { salt: bytes(16), next: 1 }, bob: { salt: bytes(16), next: 1 } }

  async begin(store: LogStore): Promise<void> {
    this.store = store
    const request = { ...this.author('alice'), runs: [], record: this.head, replaces: undefined, chunks: [] }
    expectStored(await store.open(request))
  }

  author(person: Person) {
    return { room: ROOM, session: this.#sessions[person], subject: person }
  }

  /** The salt under which this person appends in this epoch. */
  saltOf(person: Person): Uint8Array {
    return this.#sealers[person].salt
  }

  request(person: Person, count = 1, named?: Uint8Array) {
    const sealer = this.#sealers[person]
    const runs = [run(sealer.salt, sealer.next, count, this.head.index)]
    sealer.next += count
    const names = named && { names: { checkpoint: named, aloneMs: DAY_MS } }
    return { ...this.author(person), runs, ...names }
  }

  /** One run of `count` entries. */
  async append(person: Person, count = 1, named?: Uint8Array): Promise<void> {
    expectStored(await this.store.append(this.request(person, count, named)))
  }

  lease(person: Person, purpose: 'rotate' | 'checkpoint' = 'checkpoint') {
    const { room, session } = this.author(person)
    return this.store.lease({ room, session, purpose, head: this.head.hash, leaseMs: 60_000 })
  }

  /** A compaction that fits the log as it is. */
  async compaction(person: Person, sequence: number, chunks: NewChunk[] = chunksOf(2, this.head.index)) {
    const [first, ...others] = chunks
    if (!first) throw new RangeError('a checkpoint has chunks')
    const hash = (await this.store.hashAt(ROOM, sequence)) ?? bytes(32)
    const { newest } = await this.store.standing(ROOM)
    const author = this.author(person)
    return { ...author, sequence, hash, previous: newest?.checkpoint, chunks: [first, ...others] as const }
  }

  /** Leases and compacts; the checkpoint's name. */
  async compact(person: Person, sequence: number, chunks = chunksOf(2, this.head.index)): Promise<Uint8Array> {
    await this.lease(person)
    const result = await this.store.compact(await this.compaction(person, sequence, chunks))
    if (!result.stored) throw new Error(`refused: ${result.code}`)
    return nameOf(chunks)
  }

  /** The next epoch, opened by this person. */
  async rotate(person: Person, chunks = chunksOf(2, this.head.index + 1)): Promise<void> {
    await this.lease(person, 'rotate')
    const { sequence, hash } = await this.store.head(ROOM)
    const next = record(this.head.index + 1)
    const replaces = { record: this.head.hash, sequence, hash }
    expectStored(await this.store.open({ ...this.author(person), runs: [], record: next, replaces, chunks }))
    this.head = next
    for (const sealer of Object.values(this.#sealers)) Object.assign(sealer, { salt: bytes(16), next: 1 })
  }

  terms(retention: Retention): SweepTerms {
    return sweepTerms(retention, { pruneGraceMs: GRACE_MS, saltMs: SALT_MS })
  }

  /** A whole sweep; how many steps it took to find nothing more. */
  async sweep(retention: Retention): Promise<number> {
    let steps = 1
    while (await this.store.sweep(this.terms(retention))) steps++
    return steps
  }

  /** First and last sequences of the stretches that are kept. */
  async kept(): Promise<string[]> {
    const { sequence } = await this.store.head(ROOM)
    const stretches: string[] = []
    for (let after = 0; after < sequence; ) {
      const runs = await this.store.read(ROOM, after, 1e9)
      const [first, last] = [runs[0], runs.at(-1)]
      if (!first || !last) break
      const end = last.first + last.count - 1
      if (end <= after) throw new Error('the store does not go on')
      stretches.push(`${first.first}..${end}`)
      after = end
    }
    return stretches
  }

  /** Names of the checkpoints of the present epoch that are kept, in order. */
  async names(recordHash = this.head.hash): Promise<Uint8Array[]> {
    const places = (await this.store.places(ROOM, recordHash)) ?? []
    return places.map(({ checkpoint }) => checkpoint)
  }

  async base(): Promise<Uint8Array | undefined> {
    return (await this.store.standing(ROOM)).base?.checkpoint
  }

  async newest(): Promise<Uint8Array | undefined> {
    return (await this.store.standing(ROOM)).newest?.checkpoint
  }
}
