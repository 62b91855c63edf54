import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { leafHash, nextHash, startHash } from '@y-sealed/protocol'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { projectRoot } from '../support/project-root.ts'
import { startRelayProcess } from '../support/relay-process.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { FakeSealer, fakeCheckpoint, fakeRecord, nameOf, RawClient, sha256 } from './relay-raw-client.ts'

// 8 MB in all: the transaction takes long enough that a kill can fall into it.
const CHUNKS = 32
const CHUNK_BYTES = 250_000
const NO_PROOF = new Uint8Array(0)

let directory: string
let relay: ServerProcess

beforeAll(async () => {
  // Always: what is tested here is the built relay, and a build of yesterday knows no compaction.
  execFileSync('npx', ['tsc', '-b', 'server/relay'], { cwd: projectRoot() })
  directory = mkdtempSync(join(tmpdir(), 'y-sealed-relay-compaction-'))
  relay = await startRelayProcess(directory)
})

afterAll(async () => {
  await relay?.stop()
  rmSync(directory, { recursive: true, force: true })
})

async function enter(room: string): Promise<RawClient> {
  const client = await RawClient.connect(relay.url)
  await client.join(room)
  return client
}

/**
 * How far a compaction gets before the relay is killed. A number is the milliseconds after `compact` was sent: nothing is
 * waited for there, it only lets the kill fall into different places of one transaction.
 */
const STEPS = ['leased', 'staged', 0, 2, 4, 8, 16, 32, 64, 'compacted'] as const

it.each(STEPS)('kill -9 in a compaction at %s leaves a whole checkpoint or none, and the log', async (step) => {
  const room = `room ${step}`
  const record = fakeRecord()
  const chunks = fakeCheckpoint(0, CHUNKS, CHUNK_BYTES)
  const checkpoint = nameOf(chunks)
  const sealer = new FakeSealer()
  const entries = [new Uint8Array(sealer.seal()), new Uint8Array(sealer.seal())]
  const hash = entries.reduce((h, entry) => nextHash(h, leafHash(NO_PROOF, entry)), startHash(sha256(record)))
  const author = await enter(room)
  await author.open(record, entries)

  const leased = await author.lease(record, 'checkpoint')
  if (step !== 'leased') for (const chunk of chunks) await author.stage(leased.request, [chunk])
  if (step !== 'leased' && step !== 'staged') {
    const answer = author.compact(leased.request, { sequence: 2, hash, checkpoint })
    if (step === 'compacted') expect(await answer).toMatchObject({ type: 'compacted' })
    else answer.catch(() => {})
  }
  if (typeof step === 'number') await new Promise((resolve) => setTimeout(resolve, step))
  await relay.kill()
  await author.closed
  const wasTold = author.heard.some(({ type }) => type === 'compacted')
  await relay.restart()

  const reader = await RawClient.connect(relay.url)
  const joined = await reader.join(room, { observe: true })
  expect([joined.sequence, joined.pruned]).toEqual([2, 0])
  await reader.hears('caught-up')
  expect([...reader.received().values()]).toEqual(entries)
  const isThere = joined.newest !== undefined
  if (wasTold) expect(isThere).toBe(true)
  if (step === 'leased' || step === 'staged') expect(isThere).toBe(false)
  reader.say({ type: 'fetch', channel: 1, request: 1, checkpoint, first: 1, last: 0 })
  if (isThere) {
    const bytes = Buffer.concat(chunks).length
    expect(joined.newest).toEqual({ checkpoint, sequence: 2, hash, bytes })
    expect(joined.base).toEqual(joined.newest)
    await reader.hears('checkpoint', ({ first, total, chunks }) => first + chunks.length > total)
    const stored = reader.heard.flatMap((message) => (message.type === 'checkpoint' ? message.chunks : []))
    expect(stored.map((chunk) => Buffer.from(sha256(chunk)))).toEqual(chunks.map((chunk) => Buffer.from(sha256(chunk))))
  } else {
    expect(await reader.hears('refused')).toMatchObject({ code: 'unknown' })
  }

  // The lease has ended with the relay that gave it, and whoever comes next makes a checkpoint.
  const next = await enter(room)
  const again = fakeCheckpoint(0, 1)
  const third = new Uint8Array(new FakeSealer().seal())
  expect(await next.append([third])).toMatchObject({ type: 'ack', sequence: 3 })
  const lease = await next.lease(record, 'checkpoint')
  expect(lease).toMatchObject({ type: 'leased' })
  const covers = { sequence: 3, hash: nextHash(hash, leafHash(NO_PROOF, third)), checkpoint: nameOf(again) }
  const previous = isThere ? { previous: checkpoint } : {}
  expect(await next.compact(lease.request, { ...covers, ...previous }, again)).toMatchObject({ type: 'compacted' })
  next.end()
  reader.end()
})
