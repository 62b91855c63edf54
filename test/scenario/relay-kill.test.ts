import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { projectRoot } from '../support/project-root.ts'
import { below, seededRandom } from '../support/random.ts'
import { startRelayProcess } from '../support/relay-process.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { FakeSealer, fakeRecord, RawClient, sha256 } from './relay-raw-client.ts'

const SEED = 'relay-kill-1'
const KILLS = 8
const ROOMS = ['one', 'two', 'three']
const record = fakeRecord()

let directory: string
let relay: ServerProcess

beforeAll(async () => {
  if (!existsSync(join(projectRoot(), 'server/relay/dist/main.js'))) {
    execFileSync('npx', ['tsc', '-b', 'server/relay'], { cwd: projectRoot() })
  }
  directory = mkdtempSync(join(tmpdir(), 'y-sealed-relay-kill-'))
  relay = await startRelayProcess(directory)
})

afterAll(async () => {
  await relay?.stop()
  rmSync(directory, { recursive: true, force: true })
})

/** Every append ever sent, whether its ack arrived, and the sequence that the ack gave its last entry. */
interface Sent {
  room: string
  envelopes: Uint8Array[]
  ackedAt?: number
}

const sent: Sent[] = []

/** Appends one to three envelopes at a time until the connection breaks. */
async function write(room: string, random: () => number): Promise<void> {
  const client = await RawClient.connect(relay.url)
  await client.join(room)
  await client.open(record)
  const sealer = new FakeSealer()
  try {
    for (;;) {
      const append: Sent = { room, envelopes: Array.from({ length: 1 + below(random, 3) }, () => sealer.seal(40)) }
      sent.push(append)
      const answer = await client.append(append.envelopes)
      if (answer.type !== 'ack') throw new Error(`refused: ${answer.code}`)
      append.ackedAt = answer.sequence
    }
  } catch (error) {
    if (!client.close) throw error
  }
}

async function acked(count: number): Promise<void> {
  while (sent.filter(({ ackedAt }) => ackedAt !== undefined).length < count) await new Promise(setImmediate)
}

async function readLog(room: string): Promise<Map<number, Uint8Array>> {
  const reader = await RawClient.connect(relay.url)
  await reader.join(room, { observe: true })
  const { sequence } = await reader.hears('caught-up')
  reader.end()
  const log = reader.received()
  expect([...log.keys()]).toEqual(Array.from({ length: sequence }, (_, i) => i + 1))
  return log
}

it(`kill -9 of the relay loses nothing that it has acked, and splits no append (seed ${SEED})`, async () => {
  const random = seededRandom(SEED)
  let ackedBefore = 0
  for (let kill = 0; kill < KILLS; kill++) {
    const writers = ROOMS.flatMap((room) => [write(room, random), write(room, random)])
    ackedBefore += 30 + below(random, 120)
    await acked(ackedBefore)
    await relay.kill()
    await Promise.all(writers)
    ackedBefore = sent.filter(({ ackedAt }) => ackedAt !== undefined).length
    await relay.restart()
  }

  for (const room of ROOMS) {
    const log = await readLog(room)
    const sequenceByHash = new Map([...log].map(([sequence, envelope]) => [hex(envelope), sequence]))
    for (const { envelopes, ackedAt } of sent.filter((append) => append.room === room)) {
      const places = envelopes.map((envelope) => sequenceByHash.get(hex(envelope)))
      if (ackedAt !== undefined) {
        expect(places).toEqual(envelopes.map((_, i) => ackedAt - envelopes.length + 1 + i))
      } else if (places[0] !== undefined) {
        // Stored, and killed before it could say so.
        expect(places).toEqual(envelopes.map((_, i) => places[0]! + i))
      } else {
        expect(places).toEqual(envelopes.map(() => undefined))
      }
    }
    const all = sent.filter((append) => append.room === room).flatMap(({ envelopes }) => envelopes)
    expect(log.size).toBeLessThanOrEqual(all.length)
  }
})

function hex(envelope: Uint8Array): string {
  return Buffer.from(sha256(envelope)).toString('hex')
}

it('SIGTERM ends it politely: clients hear 4503 and the process exits with 0', async () => {
  const client = await RawClient.connect(relay.url)
  await client.join('one')
  const stopped = relay.stop()
  expect((await client.closed).code).toBe(4503)
  expect(await stopped).toBe(0)
})
