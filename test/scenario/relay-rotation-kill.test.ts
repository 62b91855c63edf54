import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { projectRoot } from '../support/project-root.ts'
import { startRelayProcess } from '../support/relay-process.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { FakeSealer, fakeCheckpoint, fakeRecord, nameOf, RawClient, sha256 } from './relay-raw-client.ts'

// 8 MB in all: the transaction takes long enough that a kill can fall into it.
const CHUNKS = 32
const CHUNK_BYTES = 250_000

let directory: string
let relay: ServerProcess

beforeAll(async () => {
  // Always: what is tested here is the built relay, and a build of yesterday has no leases.
  execFileSync('npx', ['tsc', '-b', 'server/relay'], { cwd: projectRoot() })
  directory = mkdtempSync(join(tmpdir(), 'y-sealed-relay-rotation-'))
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
 * How far a rotation gets before the relay is killed. A number is the milliseconds after `open` was sent: nothing is waited
 * for there, it only lets the kill fall into different places of one transaction.
 */
const STEPS = ['leased', 'staged', 'paused', 0, 4, 8, 16, 32, 64, 'opened'] as const

it.each(STEPS)(
  'kill -9 in a rotation at %s leaves the old epoch or the new one, whole, and nobody waits',
  async (step) => {
    const room = `room ${step}`
    const [record, next] = [fakeRecord(0), fakeRecord(1)]
    const chunks = fakeCheckpoint(1, CHUNKS, CHUNK_BYTES)
    const sealer = new FakeSealer()
    const old = [new Uint8Array(sealer.seal()), new Uint8Array(sealer.seal())]
    const repaired = new Uint8Array(new FakeSealer(1).seal())
    const rotator = await enter(room)
    await rotator.open(record, old)

    const leased = await rotator.lease(record)
    if (step !== 'leased') for (const chunk of chunks) await rotator.stage(leased.request, [chunk])
    if (step !== 'leased' && step !== 'staged') {
      const head = await rotator.pause()
      if (head.type !== 'paused') throw new Error(`refused: ${head.code}`)
      const checkpoint = nameOf(chunks)
      if (step !== 'paused') {
        const opened = rotator.replace(leased.request, next, record, head, { envelopes: [repaired], checkpoint })
        if (step === 'opened') expect(await opened).toMatchObject({ type: 'opened' })
        else opened.catch(() => {})
      }
    }
    if (typeof step === 'number') await new Promise((resolve) => setTimeout(resolve, step))
    await relay.kill()
    await rotator.closed
    const wasOpened = rotator.heard.some((message) => message.type === 'opened' && message.request === leased.request)
    await relay.restart()

    const reader = await RawClient.connect(relay.url)
    const { records, sequence } = await reader.join(room, { observe: true })
    await reader.hears('caught-up')
    reader.say({ type: 'fetch', channel: 1, request: 1, checkpoint: nameOf(chunks), first: 1, last: 0 })
    const isNew = records.length === 2
    if (wasOpened) expect(isNew).toBe(true)
    if (typeof step === 'string' && step !== 'opened') expect(isNew).toBe(false)
    if (isNew) {
      expect(records).toEqual([record, next])
      expect([...reader.received().values()]).toEqual([...old, repaired])
      await reader.hears('checkpoint', ({ first, total, chunks }) => first + chunks.length > total)
      const stored = reader.heard.flatMap((message) => (message.type === 'checkpoint' ? message.chunks : []))
      expect(stored.map((chunk) => Buffer.from(sha256(chunk)))).toEqual(
        chunks.map((chunk) => Buffer.from(sha256(chunk))),
      )
    } else {
      expect([sequence, records]).toEqual([2, [record]])
      expect([...reader.received().values()]).toEqual(old)
      expect(await reader.hears('refused')).toMatchObject({ code: 'unknown' })
    }

    // Neither lease nor pause outlives the relay that gave it.
    const writer = await enter(room)
    const head = isNew ? next : record
    expect(await writer.append([new FakeSealer(isNew ? 1 : 0).seal()])).toMatchObject({ type: 'ack' })
    expect(await writer.rotate(fakeRecord(isNew ? 2 : 1), head)).toMatchObject({ type: 'opened' })
    writer.end()
    reader.end()
  },
)
