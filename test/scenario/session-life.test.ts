import type { Down } from '@y-sealed/protocol'
import { EnvelopeKind, parseHeader } from '@y-sealed/protocol/header'
import { describe, expect, it } from 'vitest'
import { staticKey } from 'y-sealed'
import { until, untilText, untilTrue } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { startWorld } from '../support/world.ts'

const entriesDown = (messages: Down[]): number =>
  messages.reduce((sum, message) => sum + (message.type === 'entries' ? message.entries.length : 0), 0)

describe('the life of a session', () => {
  it.each([
    ['that is known at once', staticKey('a-key-that-nobody-guesses-0123456789')],
    [
      'that takes its time',
      async () => {
        await settle()
        return { key: 'a-key-that-nobody-guesses-0123456789' }
      },
    ],
  ])('a join reads each entry once, with a key %s', async (_, keys) => {
    const world = await startWorld()
    const alice = world.person('alice', { keys })
    await alice.provider.whenSynced
    for (const word of ['one', 'two', 'three', 'four']) {
      alice.text.insert(0, word)
      await alice.provider.flush()
    }
    const before = entriesDown(world.capture.messages('down'))
    const bob = world.person('bob', { keys })
    await bob.provider.whenSynced
    expect(entriesDown(world.capture.messages('down')) - before).toBe(4)
    expect(world.capture.messages('up').filter(({ type }) => type === 'read')).toEqual([])
    await world.close()
  })

  it('a sealer ends after an hour: the next edit is sealed under a fresh salt from counter 1', async () => {
    const world = await startWorld()
    const clock = new FakeClock()
    const alice = world.person('alice', { unsafeClock: clock })
    await alice.provider.whenSynced
    alice.text.insert(0, 'before')
    await alice.provider.flush()
    for (let minute = 0; minute < 61; minute++) await clock.advance(60_000)
    alice.text.insert(6, ' after')
    await alice.provider.flush()
    const headers = world.capture
      .messages('up')
      .flatMap((message) => (message.type === 'append' ? message.envelopes : []))
      .map(({ envelope }) => parseHeader(envelope))
      .filter(({ kind }) => kind === EnvelopeKind.update)
    expect(headers.map(({ counter }) => counter)).toEqual([1, 1])
    expect(headers[0]?.salt).not.toEqual(headers[1]?.salt)
    const bob = world.person('bob')
    await untilText(bob.doc, 'before after')
    await world.close()
  })

  it('two providers on one document, and one that joins twice, converge without a problem', async () => {
    const world = await startWorld()
    const alice = world.person('alice')
    const twin = world.person('twin', { doc: alice.doc })
    const bob = world.person('bob')
    await Promise.all([alice, twin, bob].map(({ provider }) => provider.whenSynced))
    alice.text.insert(0, 'from alice')
    await untilText(bob.doc, 'from alice')
    bob.text.insert(0, 'bob and ')
    await untilText(alice.doc, 'bob and from alice')
    await Promise.all([alice, twin, bob].map(({ provider }) => provider.flush()))
    const carol = world.person('carol')
    await untilText(carol.doc, 'bob and from alice')
    await world.close()
  })

  it('an idle reconnect appends nothing, also after two people have set one key at once', async () => {
    const world = await startWorld()
    const [alice, bob] = [world.person('alice'), world.person('bob')]
    await Promise.all([alice.provider.whenSynced, bob.provider.whenSynced])
    alice.provider.disconnect()
    alice.doc.getMap('m').set('key', 'a')
    bob.doc.getMap('m').set('key', 'b')
    bob.text.insert(0, 'text with **format**')
    bob.text.format(0, 4, { bold: true })
    await bob.provider.flush()
    alice.provider.connect()
    await until(alice.provider, 'sync', (synced: boolean) => synced)
    await alice.provider.flush()
    await bob.provider.flush()
    const appends = () => world.capture.messages('up').filter(({ type }) => type === 'append').length
    const before = appends()
    for (let round = 0; round < 10; round++) {
      for (const { provider } of [alice, bob]) {
        const synced = until(provider, 'sync', (is: boolean) => is)
        provider.disconnect()
        provider.connect()
        await synced
        await provider.flush()
      }
    }
    expect(appends()).toBe(before)
    expect(alice.doc.getMap('m').get('key')).toBe(bob.doc.getMap('m').get('key'))
    await world.close()
  })

  it('who comes back sees at once those who have not moved meanwhile', async () => {
    const world = await startWorld()
    const alice = await world.joined('alice')
    const bob = await world.joined('bob')
    const seesBob = (): boolean => alice.provider.awareness.getStates().get(bob.doc.clientID)?.at === 'the end'
    bob.provider.awareness.setLocalState({ at: 'the end' })
    await untilTrue(alice.provider.awareness, 'change', seesBob, 'alice to see bob')
    alice.provider.disconnect()
    expect(seesBob()).toBe(false)
    alice.provider.connect()
    await untilTrue(alice.provider.awareness, 'change', seesBob, 'alice to see bob again')
    await world.close()
  })

  it('flush() before the first sync waits for what the document had before', async () => {
    const world = await startWorld()
    const alice = world.person('alice', { connect: false })
    alice.text.insert(0, 'written before connect')
    let isFlushed = false
    const flushed = alice.provider.flush().then(() => {
      isFlushed = true
    })
    await settle()
    expect(isFlushed).toBe(false)
    alice.provider.connect()
    await flushed
    const bob = world.person('bob')
    await untilText(bob.doc, 'written before connect')
    await world.close()
  })

  it('flush() of a provider that is destroyed says so', async () => {
    const world = await startWorld()
    const alice = world.person('alice', { connect: false })
    alice.text.insert(0, 'never sent')
    const flushed = alice.provider.flush()
    alice.provider.destroy()
    await expect(flushed).rejects.toMatchObject({ code: 'destroyed' })
    await expect(alice.provider.flush()).rejects.toMatchObject({ code: 'destroyed' })
    await world.close()
  })
})
