import { hashPrefix, leafHash, nextHash, startHash } from '@y-sealed/protocol'
import type { Relay } from '@y-sealed/relay'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRelay } from '../support/nodes.ts'
import { FakeSealer, fakeRecord, RawClient, sha256, toEntries } from './relay-raw-client.ts'

let relay: Relay
const clients: RawClient[] = []

async function connect(): Promise<RawClient> {
  const client = await RawClient.connect(relay.url)
  clients.push(client)
  return client
}

beforeEach(async () => {
  relay = await createRelay({ data: 'memory', port: 0 })
})

afterEach(async () => {
  for (const client of clients.splice(0)) client.end()
  await relay.close()
})

describe('one log through the relay', () => {
  it('what one appends the other reads, live and later, with the same running hash', async () => {
    const alice = await connect()
    const bob = await connect()
    expect(await alice.join('room')).toMatchObject({ role: 'write', sequence: 0, confirmed: true, records: [] })
    await bob.join('room')

    const record = fakeRecord()
    const sealer = new FakeSealer()
    const envelopes = [sealer.seal(), sealer.seal(), sealer.seal()]
    const opened = await alice.open(record, envelopes.slice(0, 1))
    const acked = await alice.append(envelopes.slice(1))

    const hashes = [startHash(sha256(record))]
    for (const envelope of envelopes) hashes.push(nextHash(hashes.at(-1)!, leafHash(new Uint8Array(0), envelope)))
    expect(opened).toMatchObject({ type: 'opened', sequence: 1, hash: hashPrefix(hashes[1]!) })
    expect(acked).toMatchObject({ type: 'ack', sequence: 3, count: 2, hash: hashPrefix(hashes[3]!) })
    expect(await bob.hears('record')).toMatchObject({ sequence: 0, hash: hashPrefix(hashes[0]!) })
    const entries = await bob.hears('entries', ({ first }) => first === 2)
    expect(entries).toMatchObject({
      hashBefore: hashPrefix(hashes[1]!),
      entries: toEntries(envelopes.slice(1).map((e) => new Uint8Array(e))),
    })

    const carol = await connect()
    expect(await carol.join('room')).toMatchObject({ sequence: 3, records: [record] })
    expect(await carol.hears('caught-up')).toMatchObject({ request: 0, sequence: 3, hash: hashPrefix(hashes[3]!) })
    expect([...carol.received().keys()]).toEqual([1, 2, 3])
    expect(alice.received().size).toBe(0)
  })
})
