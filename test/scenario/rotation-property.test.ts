import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { parseEpochRecord } from '@y-sealed/envelope'
import { createKeyServer } from '@y-sealed/key-endpoint'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { keyEndpoint } from 'y-sealed'
import { playChaos } from '../rotate/chaos.ts'
import { contradictions, readStoredLog } from '../rotate/stored-log.ts'
import { isIn } from '../rotate/typed-edit.ts'
import { Writer } from '../rotate/writer.ts'
import { Capture } from '../support/capture.ts'
import { untilEqual } from '../support/convergence.ts'
import { patiently } from '../support/events.ts'
import { NonceAudit } from '../support/nonce-audit.ts'
import { projectRoot } from '../support/project-root.ts'
import { startRelayProcess } from '../support/relay-process.ts'
import type { ServerProcess } from '../support/server-process.ts'

const ROOM = 'a room that is never locked twice'
const ROTATIONS = 10

/** `Y_SEALED_SEEDS=100 npx vitest run test/scenario/rotation-property.test.ts` plays a hundred; two are what `npm test` has time for. */
const seeds = Array.from({ length: Number(process.env.Y_SEALED_SEEDS ?? 2) }, (_, i) => `seed ${i + 1}`)

let directory: string
let relay: ServerProcess
let keyServer: Awaited<ReturnType<typeof createKeyServer>>
let audit: NonceAudit
let capture: Capture
let everybody: Writer[]

beforeAll(() => {
  // Always: a relay that was built yesterday has other rules.
  execFileSync('npx', ['tsc', '-b', 'server/relay'], { cwd: projectRoot() })
})

beforeEach(async () => {
  directory = mkdtempSync(`${tmpdir()}/y-sealed-rotation-property-`)
  relay = await startRelayProcess(directory)
  const silent = { info() {}, warn() {}, error() {} }
  keyServer = await createKeyServer({ data: 'memory', port: 0, log: silent })
  audit = new NonceAudit()
  capture = new Capture()
  // All that was sealed, whether it arrived or not.
  capture.onEnvelope(({ room, direction, envelope }) => {
    if (direction === 'up') audit.observe(room, envelope)
  })
  everybody = []
})

afterEach(async () => {
  for (const { provider, wire } of everybody) {
    provider.destroy()
    wire.cut()
  }
  await Promise.all([relay.stop(), keyServer.close()])
  rmSync(directory, { recursive: true, force: true })
  audit.assertClean()
})

async function enter(name: string): Promise<Writer> {
  const writer = new Writer(name, { relayUrl: relay.url, room: ROOM, keys: keyEndpoint(keyServer.url), capture })
  everybody.push(writer)
  await patiently(writer.provider.whenSynced, `${name} to be synced`)
  return writer
}

test.each(seeds)(
  'five people type and rotate the key ten times while rotators die, connections break, the relay is killed and one of six is away: %s',
  async (seed) => {
    const writers: Writer[] = []
    for (const name of ['Ada', 'Bob', 'Cem', 'Dia', 'Eve']) writers.push(await enter(name))
    const absent = await enter('Fay')
    absent.wire.unplug()

    const deeds = await playChaos({
      seed,
      writers,
      absent,
      rotations: ROTATIONS,
      killRelay: async () => {
        await relay.kill()
        await relay.restart()
      },
    })
    expect(absent.provider.epoch?.index).toBe(0)
    for (const writer of everybody) await writer.settle()
    const reader = await enter('a cold reader')

    for (const { acked, name } of everybody)
      expect(
        acked.filter((edit) => !isIn(reader.doc, edit)),
        `acked edits of ${name} that are lost`,
      ).toEqual([])
    // Before epochs are compared: whoever is still reading is in an older one.
    for (const { doc, name } of everybody) await untilEqual([doc, reader.doc], `${name}'s document to be the reader's`)
    for (const { doc } of everybody) {
      expect(doc.getText('text').toString()).toBe(reader.doc.getText('text').toString())
      expect(doc.getMap('map').toJSON()).toEqual(reader.doc.getMap('map').toJSON())
    }

    const log = await readStoredLog(relay.url, ROOM)
    expect(contradictions(log)).toEqual([])
    const head = parseEpochRecord(log.records.at(-1)!)
    expect(head.index).toBeGreaterThanOrEqual(ROTATIONS)
    expect(log.records).toHaveLength(head.index + 1)
    for (const { provider } of everybody) expect(provider.epoch).toEqual(reader.provider.epoch)
    expect(reader.provider.epoch).toMatchObject({ index: head.index, keyHint: head.keyHint })

    expect(audit.observed).toBeGreaterThan(log.entries.length)
    expect(
      everybody.flatMap(({ name, problems }) => problems.map(({ code, message }) => `${name}: ${code} ${message}`)),
    ).toEqual([])

    // Something has happened, and was promised.
    expect(deeds.rotators.size).toBeGreaterThan(1)
    expect(deeds.strikes + deeds.blows.length).toBeGreaterThan(0)
    expect(deeds.kills).toBeGreaterThan(0)
    const typed = everybody.flatMap(({ edits }) => edits)
    expect(typed.filter(({ isAcked }) => isAcked).length).toBeGreaterThan(typed.length / 2)
    expect(absent.edits.length).toBeGreaterThan(0)
  },
  300_000,
)
