import { hashPrefix, leafHash, nextHash, startHash } from '@y-sealed/protocol'
import type { Clock, Relay, RelayOptions } from '@y-sealed/relay'
import { createRelay } from '../support/nodes.ts'
import { FakeSealer, fakeCheckpoint, fakeRecord, nameOf, RawClient, sha256 } from './relay-raw-client.ts'

const NO_PROOF = new Uint8Array(0)

/** A relay that takes whatever name a token says for the subject, with its time in the test's hands. */
export function openRelay(clock: Clock, options: Partial<RelayOptions> = {}): Promise<Relay> {
  const auth: RelayOptions['auth'] = async (subject) => ({ subject, role: subject === 'reader' ? 'read' : 'write' })
  return createRelay({ data: 'memory', port: 0, clock, auth, ...options })
}

/** A room as an honest onlooker knows it: H after each sequence, and the epoch that is open. */
export class OpenRoom {
  readonly relay: Relay
  readonly clients: RawClient[] = []
  /** Of the envelopes that are typed, beside their headers. */
  entryBytes = 64
  record = fakeRecord()
  /** H after each sequence; index 0 is unused. */
  readonly hashes: Uint8Array[] = [new Uint8Array(32)]
  #hash = startHash(sha256(this.record))
  readonly #sealers = new Map<RawClient, FakeSealer>()

  constructor(relay: Relay) {
    this.relay = relay
  }

  get index(): number {
    return this.record[3] ?? 0
  }

  get end(): number {
    return this.hashes.length - 1
  }

  /** Somebody joins as this subject. */
  async enter(token: string, fields: Parameters<RawClient['join']>[1] = {}): Promise<RawClient> {
    const client = await this.connect()
    await client.join('room', { token, ...fields })
    await client.hears('caught-up')
    return client
  }

  async connect(): Promise<RawClient> {
    const client = await RawClient.connect(this.relay.url)
    this.clients.push(client)
    return client
  }

  /** What a client says of itself that has read through this sequence of the present epoch. */
  at(cursor: number) {
    const hash = hashPrefix(this.hashes[cursor] ?? new Uint8Array(32))
    return { head: sha256(this.record), cursor, hash }
  }

  /** Appends so many entries, each in an append of its own. */
  async type(client: RawClient, entries = 1, names?: Uint8Array): Promise<void> {
    for (let entry = 0; entry < entries; entry++) {
      const envelope = new Uint8Array(this.#sealerOf(client).seal(this.entryBytes))
      const answer = names ? await client.witness(envelope, names) : await client.append([envelope])
      if (answer.type === 'refused') throw new Error(`refused: ${answer.code}`)
      this.#hash = nextHash(this.#hash, leafHash(NO_PROOF, envelope))
      this.hashes.push(this.#hash)
    }
  }

  async lease(client: RawClient): Promise<number> {
    const answer = await client.lease(this.record, 'checkpoint')
    if (answer.type === 'refused') throw new Error(`refused: ${answer.code}`)
    return answer.request
  }

  /** What names a checkpoint of these chunks, of the log through this sequence. */
  covering(sequence: number, chunks: Uint8Array[], previous?: Uint8Array) {
    const hash = this.hashes[sequence] ?? new Uint8Array(32)
    return { sequence, hash, checkpoint: nameOf(chunks), ...(previous && { previous }) }
  }

  /** Leases, stages all chunks but the last, and compacts; the checkpoint's name. */
  async compact(client: RawClient, sequence: number, previous?: Uint8Array, chunks = fakeCheckpoint(this.index, 3)) {
    const lease = await this.lease(client)
    await client.stage(lease, chunks.slice(0, -1))
    const answer = await client.compact(lease, this.covering(sequence, chunks, previous), chunks.slice(-1))
    if (answer.type === 'refused') throw new Error(`refused: ${answer.code}`)
    return answer.place.checkpoint
  }

  async rotate(client: RawClient, chunks = fakeCheckpoint(this.index + 1, 2)): Promise<Uint8Array> {
    const next = fakeRecord(this.index + 1)
    const answer = await client.rotate(next, this.record, { chunks })
    if (answer.type === 'refused') throw new Error(`refused: ${answer.code}`)
    this.record = next
    this.#hash = startHash(sha256(next))
    this.#sealers.clear()
    return nameOf(chunks)
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.end()
    await this.relay.close()
  }

  #sealerOf(client: RawClient): FakeSealer {
    const sealer = this.#sealers.get(client) ?? new FakeSealer(this.index)
    this.#sealers.set(client, sealer)
    return sealer
  }
}
