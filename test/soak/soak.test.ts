import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { FakeSealer, fakeRecord, RawClient } from '../scenario/relay-raw-client.ts'
import { startServerProcess } from '../support/server-process.ts'
import { residentBytes, soak } from './soak.ts'

it('npm run soak in small: members come, write, rotate and go, nobody is refused, and memory is measured', async () => {
  const samples: number[] = []
  const report = await soak({ seconds: 10, rooms: 4, onSample: (bytes) => samples.push(bytes) })
  expect(samples.length).toBeGreaterThanOrEqual(4)
  expect(report.appends).toBeGreaterThan(100)
  expect(report.joins).toBeGreaterThan(20)
  // A process that has just begun still grows; what this shows is that it is measured at all.
  expect(report.earlyBytes).toBeGreaterThan(20e6)
  expect(report.lateBytes / report.earlyBytes).toBeLessThan(2)
}, 120_000)

it('2,000 connections on one relay: each is joined, each hears what is written, and each costs bounded memory', async () => {
  const [CONNECTIONS, ROOMS, AT_ONCE] = [2_000, 40, 100]
  // Measured: some 30 kB, with all that Node keeps for a socket.
  const MAX_BYTES_EACH = 100_000
  const data = mkdtempSync(join(tmpdir(), 'y-sealed-many-'))
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  const relay = await startServerProcess('server/relay/dist/main.js', { data })
  onTestFinished(() => void relay.stop())
  const clients: RawClient[] = []
  onTestFinished(() => {
    for (const client of clients) client.end()
  })
  const roomOf = (i: number) => `room ${i % ROOMS}`
  const writers = await Promise.all(
    Array.from({ length: ROOMS }, async (_, i) => {
      const writer = await RawClient.connect(relay.url)
      clients.push(writer)
      await writer.join(roomOf(i))
      await writer.open(fakeRecord())
      return writer
    }),
  )
  const before = residentBytes(relay.pid)
  while (clients.length < CONNECTIONS) {
    const group = Array.from({ length: Math.min(AT_ONCE, CONNECTIONS - clients.length) }, async (_, i) => {
      const client = await RawClient.connect(relay.url)
      await client.join(roomOf(clients.length + i))
      return client
    })
    clients.push(...(await Promise.all(group)))
  }
  await Promise.all(writers.map((writer) => writer.append([new FakeSealer().seal(100)])))
  await Promise.all(clients.filter((client) => !writers.includes(client)).map((client) => client.hears('entries')))
  const each = (residentBytes(relay.pid) - before) / (CONNECTIONS - ROOMS)
  console.log(
    `${CONNECTIONS} connections: ${(residentBytes(relay.pid) / 1e6).toFixed(0)} MB in all, ${(each / 1e3).toFixed(1)} kB each`,
  )
  expect(each).toBeLessThan(MAX_BYTES_EACH)
  expect(await relay.stop()).toBe(0)
  for (const { close } of clients) expect(close?.code ?? 4503).toBe(4503)
}, 120_000)
