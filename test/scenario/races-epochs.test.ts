import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { keyEndpoint } from 'y-sealed'
import { untilEqual } from '../support/convergence.ts'
import { patiently, untilText } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { isGapless } from '../support/log-order.ts'
import { type PlainEndpoint, startPlainEndpoint } from '../support/plain-endpoint.ts'
import { mintsOnEveryNull } from '../support/plain-key-methods.ts'
import { epochsOf, heardBy, indexesOf, passUntil, saidBy, untilEpoch, writesIn } from '../support/rotation-steps.ts'
import { codesOf, isAck, isAppend, isEntries, nextSync, ofType, someProblem, synced } from '../support/steps.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// The ways in which a naive change of epochs loses an edit, each as the list of events in which it does.

let world: World
let relayClock: FakeClock
let clock: FakeClock
let endpoint: PlainEndpoint | undefined
beforeEach(async () => {
  relayClock = new FakeClock(Date.now())
  clock = new FakeClock(Date.now())
  world = await startWorld({ data: 'disk', relayClock })
})
afterEach(async () => {
  for (const { key } of endpoint?.answered ?? []) world.keepSecret(key)
  await endpoint?.stop()
  endpoint = undefined
  await world.close()
})

const isPause = ofType('pause')
const isOpen = ofType('open')

/** Both have what Ada wrote. */
async function adaAndBob(): Promise<{ ada: Person; bob: Person }> {
  const ada = await world.joined('Ada', { unsafeClock: clock })
  ada.text.insert(0, 'before. ')
  await ada.provider.flush()
  const bob = await world.joined('Bob')
  await untilText(bob.doc, 'before. ')
  return { ada, bob }
}

/** Nobody waits for something that will never come. */
function expectNothingPending(...people: Person[]): void {
  for (const { name, doc } of people) {
    expect([name, doc.store.pendingStructs, doc.store.pendingDs]).toEqual([name, null, null])
  }
}

describe('M3: an append and an epoch meet at the relay', () => {
  test.each(['append first', 'pause first'])(
    'an append and the pause in one turn, %s: acked means carried over',
    async (order) => {
      const { ada, bob } = await adaAndBob()
      ada.wire.hold('up', isPause)
      bob.wire.hold('up', isAppend)
      const held = [ada.wire.untilPassed('up', isPause), bob.wire.untilPassed('up', isAppend)]
      const rotated = ada.provider.rotateKey()
      bob.text.insert(8, 'in the same moment. ')
      await Promise.all(held)
      const release = [() => bob.wire.release('up'), () => ada.wire.release('up')]
      for (const letGo of order === 'append first' ? release : release.reverse()) letGo()
      await patiently(rotated, 'the rotation')
      await patiently(bob.provider.flush(), 'the append to be durable')
      await untilText(ada.doc, 'before. in the same moment. ')
      expect(await world.freshText()).toBe('before. in the same moment. ')
    },
  )

  test('the pause runs out before her record arrives, and an append is stored: it comes too late, and her next one carries it over', async () => {
    const { ada, bob } = await adaAndBob()
    ada.wire.hold('up', isOpen)
    const held = ada.wire.untilPassed('up', isOpen)
    const rotated = ada.provider.rotateKey()
    await patiently(held, 'her record')
    await relayClock.advance(5_000)
    bob.text.insert(8, 'in between. ')
    await bob.provider.flush()
    expect(indexesOf(await world.log())).toEqual([0, 0])
    ada.wire.release('up')
    await passUntil(rotated, [clock, relayClock])
    expect(heardBy(ada).some((message) => message.type === 'refused' && message.code === 'stale-epoch')).toBe(true)
    await untilEpoch(bob, 1)
    expect(await world.freshText()).toBe('before. in between. ')
    bob.text.insert(0, 'and on. ')
    await untilText(ada.doc, 'and on. before. in between. ')
  })

  test('two hold leases one after the other, and both records arrive: the first counts, the second does nothing', async () => {
    const { ada, bob } = await adaAndBob()
    ada.wire.hold('up', isOpen)
    const held = ada.wire.untilPassed('up', isOpen)
    const slow = ada.provider.rotateKey()
    await patiently(held, 'her record')
    // Nothing comes from her: her lease runs out.
    await relayClock.advance(120_000)
    const quick = await bob.provider.rotateKey()
    ada.wire.release('up')
    await passUntil(slow, [clock])
    expect(await slow).toEqual(quick)
    expect(await epochsOf(world)).toHaveLength(2)
    await writesIn(ada, 1)
    expect(await world.freshText()).toBe('before. ')
  })
})

describe('M4: a checkpoint never adds content', () => {
  test('she types at every step of her rotation, none of it arrives, and she is gone at its end: all others can read what they write', async () => {
    const { ada, bob } = await adaAndBob()
    const carol = await world.joined('Carol')
    ada.wire.drop('up', isAppend, Number.POSITIVE_INFINITY)
    for (const type of ['stage', 'pause', 'open'] as const) {
      ada.wire.untilPassed('up', ofType(type)).then(() => ada.text.insert(0, `${type}. `))
    }
    ada.wire.hold('down', ofType('opened'))
    const opened = ada.wire.untilPassed('down', ofType('opened'))
    ada.provider.rotateKey().catch(() => {})
    await patiently(opened, 'her epoch to be open')
    await settle()
    expect(ada.text.toString()).toContain('open. ')
    ada.wire.unplug()
    ada.provider.destroy()
    await untilEpoch(bob, 1)
    for (let at = 0; at <= bob.text.length; at += 3) bob.text.insert(at, '|')
    await bob.provider.flush()
    await untilEqual([bob.doc, carol.doc])
    const reader = await world.joined('fresh reader')
    await untilEqual([bob.doc, reader.doc])
    expect(reader.text.toString()).not.toContain('stage')
    expectNothingPending(bob, carol, reader)
  })

  test('her last edit is not in the log when she begins: her checkpoint waits for it', async () => {
    const ada = await world.joined('Ada', { unsafeClock: clock, expects: ['relay-fault'] })
    ada.text.insert(0, 'before. ')
    await ada.provider.flush()
    const bob = await world.joined('Bob')
    ada.wire.drop('up', isAppend)
    const sent = ada.wire.untilPassed('up', isAppend)
    ada.text.insert(8, 'on its way. ')
    await sent
    const leased = ada.wire.untilPassed('down', ofType('leased'))
    const rotated = ada.provider.rotateKey()
    await patiently(leased, 'the lease')
    for (let second = 0; second < 10; second++) await clock.advance(1_000)
    expect(saidBy(ada).some(({ type }) => type === 'stage' || type === 'pause')).toBe(false)
    // It was lost: half a minute later she takes the relay for stuck, and sends it again.
    await passUntil(rotated, [clock])
    await passUntil(ada.provider.flush(), [clock])
    expect(await world.freshText()).toBe('before. on its way. ')
    await untilEpoch(bob, 1)
    bob.text.insert(0, '|')
    await untilText(ada.doc, '|before. on its way. ')
    expectNothingPending(ada, bob)
  })
})

describe('M6: an epoch begins for somebody who has missed the end of the one before', () => {
  /** Carol is not sent the last entry of the epoch. */
  async function carolLacksTheEnd(...expects: string[]): Promise<{ ada: Person; bob: Person; carol: Person }> {
    const { ada, bob } = await adaAndBob()
    const carol = await world.joined('Carol', { unsafeClock: clock, expects })
    carol.wire.drop('down', isEntries)
    const lost = carol.wire.untilPassed('down', isEntries)
    bob.text.insert(8, 'the end. ')
    await lost
    return { ada, bob, carol }
  }

  test('the last fan-out was lost: it is read before the epoch is entered, and nobody who comes later lacks it', async () => {
    // A relay that leaves out what it should have sent, and sends nothing after it, is given half a minute.
    const { ada, bob, carol } = await carolLacksTheEnd('relay-fault')
    await ada.provider.rotateKey()
    carol.doc.getText('carol').insert(0, 'hers')
    await passUntil(untilEpoch(carol, 1), [clock])
    await passUntil(carol.provider.flush(), [clock])
    expect(carol.text.toString()).toBe('before. the end. ')
    await passUntil(carol.provider.rotateKey(), [clock])
    expect(await world.freshText()).toBe('before. the end. ')
    await untilText(bob.doc, 'hers', 'carol')
    expect(indexesOf(await world.log())).toEqual([0, 0, 1])
  })

  test('her own ack came before the entry that she lacks, and then the record: both are taken at their place', async () => {
    const { ada, bob, carol } = await carolLacksTheEnd()
    const acked = carol.wire.untilPassed('down', isAck)
    carol.doc.getText('carol').insert(0, 'hers')
    await acked
    await ada.provider.rotateKey()
    await passUntil(untilEpoch(carol, 1), [clock])
    expect(carol.text.toString()).toBe('before. the end. ')
    await passUntil(carol.provider.flush(), [clock])
    expect(indexesOf(await world.log())).toEqual([0, 0, 0])
    await untilEqual([ada.doc, bob.doc, carol.doc])
  })
})

describe('M7: the relay’s log is restored from a backup that lacks an epoch', () => {
  test('another epoch of the same number was opened meanwhile: who holds the first one is told, and nothing is mixed until a person decides', async () => {
    endpoint = await startPlainEndpoint(mintsOnEveryNull())
    const keys = keyEndpoint(endpoint.url)
    const ada = await world.joined('Ada', { keys, unsafeClock: clock, expects: ['rollback', 'relay-fault'] })
    ada.text.insert(0, 'in the backup. ')
    await ada.provider.flush()
    await world.stopRelay()
    const restore = world.backup()
    const back = nextSync(ada)
    await world.startRelay()
    await passUntil(back, [clock])
    await ada.provider.rotateKey()
    await writesIn(ada, 1)
    ada.text.insert(0, 'after it. ')
    await ada.provider.flush()
    ada.wire.unplug()
    await world.stopRelay()
    restore()
    await world.startRelay()
    const carol = await world.joined('Carol', { keys })
    expect(carol.text.toString()).toBe('in the backup. ')
    expect((await carol.provider.rotateKey()).index).toBe(1)
    await writesIn(carol, 1)
    ada.wire.plug()
    ada.text.insert(0, 'typed offline. ')
    await passUntil(someProblem(ada), [clock])
    await clock.advance(60_000)
    expect(codesOf(ada)).toEqual(['rollback'])
    expect(ada.provider.synced).toBe(false)
    expect(ada.text.toString()).toBe('typed offline. after it. in the backup. ')
    expect(carol.text.toString()).toBe('in the backup. ')
    const forced = ada.provider.rotateKey({ force: true })
    await passUntil(forced, [clock])
    expect((await forced).index).toBe(2)
    await passUntil(ada.provider.flush(), [clock])
    await untilText(carol.doc, 'typed offline. after it. in the backup. ')
    expect(ada.doc.getText('notes').toString()).toContain('Carol in 1')
    expect(carol.doc.getText('notes').toString()).toContain('Ada in 1')
  })
})

describe('M8: what the log has lost is brought back after the key was rotated', () => {
  test('sealed anew for the head epoch, by those who wrote it, as entries', async () => {
    const ada = await world.joined('Ada', { expects: ['fork', 'rollback'] })
    const bob = await world.joined('Bob', { expects: ['fork', 'rollback'] })
    ada.text.insert(0, 'in the backup. ')
    await untilText(bob.doc, 'in the backup. ')
    await world.stopRelay()
    const restore = world.backup()
    const back = [nextSync(ada), nextSync(bob)]
    await world.startRelay()
    await Promise.all(back)
    ada.text.insert(15, 'lost: hers. ')
    await untilText(bob.doc, 'in the backup. lost: hers. ')
    bob.text.insert(27, 'lost: his. ')
    await untilText(ada.doc, 'in the backup. lost: hers. lost: his. ')
    await bob.provider.flush()
    ada.wire.unplug()
    bob.wire.unplug()
    await world.stopRelay()
    restore()
    await world.startRelay()
    const carol = await world.joined('Carol')
    expect(carol.text.toString()).toBe('in the backup. ')
    await carol.provider.rotateKey()
    ada.wire.plug()
    await patiently(untilEpoch(ada, 1), 'Ada to be there')
    await synced(ada)
    await ada.provider.flush()
    bob.wire.plug()
    await patiently(untilEpoch(bob, 1), 'Bob to be there')
    await synced(bob)
    await patiently(bob.provider.flush(), 'Bob’s words to be durable')
    await untilText(carol.doc, 'in the backup. lost: hers. lost: his. ')
    expect(await world.freshText()).toBe('in the backup. lost: hers. lost: his. ')
    const log = await world.log()
    expect(indexesOf(log)).toEqual([0, 1, 1])
    expect(isGapless(log)).toBe(true)
    expectNothingPending(ada, bob, carol)
  })
})

describe('M14: everybody asks for a new key', () => {
  test('of an endpoint that makes another one each time: who has the lease asks, and all end in its epoch', async () => {
    endpoint = await startPlainEndpoint(mintsOnEveryNull())
    const keys = keyEndpoint(endpoint.url)
    const ten = await Promise.all(Array.from({ length: 10 }, (_, i) => world.joined(`person ${i}`, { keys })))
    ten[0]?.text.insert(0, 'before. ')
    await untilEqual(ten.map(({ doc }) => doc))
    const nulls = (): number => endpoint?.asked.filter((body) => body.includes('"keyHint":null')).length ?? 0
    const before = nulls()
    const rotated = await patiently(Promise.all(ten.map(({ provider }) => provider.rotateKey())), 'all ten')
    expect(nulls() - before).toBe(1)
    expect(new Set(rotated.map(({ fingerprint }) => fingerprint)).size).toBe(1)
    await writesIn(ten[9] as Person, 1)
    await untilEqual(ten.map(({ doc }) => doc))
    // A lease that was refused, and an epoch that appeared, are told apart: nobody's edit was taken for stored.
    ten[3]?.text.insert(0, 'after. ')
    await ten[3]?.provider.flush()
    const reader = await world.joined('fresh reader', { keys })
    expect(reader.text.toString()).toBe('after. before. ')
  })
})

describe('M15: the endpoint is ahead of the relay', () => {
  test('by keys with which nothing was ever opened: honest, and the document begins with the newest', async () => {
    await world.keys({ documentId: 'room', keyHint: null })
    for (let time = 0; time < 3; time++) await world.keyAct('rotate')
    const { keys } = (await world.keyAct('list')) as { keys: { keyHint: string; state: string }[] }
    const { ada, bob } = await adaAndBob()
    expect(ada.provider.epoch).toMatchObject({
      index: 0,
      keyHint: keys.find(({ state }) => state === 'active')?.keyHint,
    })
    await bob.provider.rotateKey()
    expect(await world.freshText()).toBe('before. ')
  })

  test('by a key that was made for a rotation which died: the next one takes the same key, and nobody cries rollback', async () => {
    const { ada, bob } = await adaAndBob()
    ada.wire.hold('up', ofType('stage'))
    const held = ada.wire.untilPassed('up', ofType('stage'))
    ada.provider.rotateKey().catch(() => {})
    await patiently(held, 'her key to be there')
    ada.wire.unplug()
    ada.provider.destroy()
    const carol = await world.joined('Carol')
    await patiently(untilEpoch(carol, 1), 'Carol, who finds the key retired, to rotate')
    await untilEpoch(bob, 1)
    expect(await world.keyAct('list')).toMatchObject({ keys: [{ state: 'inactive' }, { state: 'active' }] })
    expect(await world.freshText()).toBe('before. ')
  })
})

describe('M21: the record of a session that is dead arrives late', () => {
  test('it counts; its author comes to it as everybody else does, and loses nothing', async () => {
    const { ada, bob } = await adaAndBob()
    ada.wire.hold('up', isOpen)
    const held = ada.wire.untilPassed('up', isOpen)
    const rotated = ada.provider.rotateKey()
    await patiently(held, 'her record')
    bob.text.insert(8, 'in the pause. ')
    ada.wire.halfOpen()
    const back = nextSync(ada)
    ada.text.insert(0, 'typed after. ')
    await passUntil(back, [clock])
    expect(ada.provider.epoch?.index).toBe(0)
    // The relay believes the old connection alive, and hears it now.
    ada.wire.release('up')
    await passUntil(rotated, [clock])
    expect((await rotated).index).toBe(1)
    expect(await epochsOf(world)).toHaveLength(2)
    await passUntil(ada.provider.flush(), [clock])
    await patiently(bob.provider.flush(), 'Bob’s words to be durable')
    await untilText(bob.doc, 'typed after. before. in the pause. ')
    expect(await world.freshText()).toBe('typed after. before. in the pause. ')
    expect(ada.provider.epoch).toEqual(bob.provider.epoch)
  })
})
