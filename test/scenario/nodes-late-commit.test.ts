import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { skipClusterTests } from '../support/cluster.ts'
import { untilEqual } from '../support/convergence.ts'
import { patiently, untilTrue } from '../support/events.ts'
import { type Front, startFront } from '../support/front.ts'
import { countersBySalt } from '../support/log-order.ts'
import { freshPostgres } from '../support/postgres.ts'
import { postgresLine } from '../support/postgres-line.ts'
import { ownRedis } from '../support/redis.ts'
import { type ServerProcess, startServerProcess } from '../support/server-process.ts'
import { startWorld } from '../support/world.ts'

// A relay's commit is on its way when the relay is killed, and takes effect after its members have read the log without it, at another one.

describe.skipIf(skipClusterTests)('a commit that outlives its relay', () => {
  let line: Awaited<ReturnType<typeof postgresLine>>
  let front: Front
  const relays: ServerProcess[] = []
  beforeEach(async () => {
    const store = await freshPostgres()
    line = await postgresLine(store)
    const bus = (await ownRedis()).url
    for (const url of [line.url, store])
      relays.push(await startServerProcess('server/relay/dist/main.js', { store: url, bus }))
  })
  afterEach(async () => {
    await Promise.all(relays.splice(0).map((relay) => relay.stop()))
    front.close()
    line.close()
  })

  it('is in the log beside what was sent again; everybody has the text once, and nobody is told of a lie', async () => {
    const [first, second] = relays as [ServerProcess, ServerProcess]
    front = await startFront(first.url)
    const world = await startWorld({ nodeUrls: [front.url, second.url] })
    const [ada, bob] = [await world.joined('Ada'), await world.joined('Bob')]
    ada.text.insert(0, 'before ')
    await patiently(ada.provider.flush(), "Ada's first words to be saved")

    line.atCommits('hold')
    ada.text.insert(7, 'late ')
    await patiently(line.held, 'the commit to be on its way')
    front.goTo(second.url)
    await first.kill()
    await untilTrue(ada.provider, 'sync', () => ada.provider.synced, 'Ada to have read the log anew')
    expect(bob.text.toString()).toBe('before ')
    line.letGo()

    await patiently(ada.provider.flush(), "Ada's words to be saved")
    ada.text.insert(12, 'after')
    await patiently(ada.provider.flush(), "Ada's last words to be saved")
    await untilEqual([ada.doc, bob.doc], "Bob's document to be Ada's")
    const fresh = await world.joined('a fresh reader')
    for (const { text } of [ada, bob, fresh]) expect(text.toString()).toBe('before late after')
    // First word and the late one under one salt; the late one again, and the last, under another.
    expect(countersBySalt(await world.log()).map((counters) => counters.length)).toEqual([2, 2])
    await world.close()
  }, 60_000)
})
