import { parseEpochRecord } from '@y-sealed/envelope'
import { parseHeader } from '@y-sealed/protocol/header'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { untilEqual } from '../support/convergence.ts'
import { patiently, untilText } from '../support/events.ts'
import { settle } from '../support/fake-clock.ts'
import { isGapless } from '../support/log-order.ts'
import { epochsOf, indexesOf, pausedRefusals, saidBy, untilEpoch, writesIn } from '../support/rotation-steps.ts'
import { nextSync, ofType } from '../support/steps.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// Keys are rotated while everybody types: nothing that was typed is lost, and the typing never stops.

let world: World
beforeEach(async () => {
  world = await startWorld({ data: 'disk' })
})
afterEach(() => world.close())

const isOpen = ofType('open')
const isPaused = ofType('paused')

function people(count: number): Promise<Person[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => world.joined(`person ${i}`)))
}

/** Writes a letter, lets everybody else do something, and so on, until `stop` is called. */
function keepsTyping({ text }: Person, letter: string): { readonly typed: number; stop(): Promise<void> } {
  let isTyping = true
  let typed = 0
  const typing = (async () => {
    while (isTyping) {
      text.insert(text.length, letter)
      typed++
      await settle()
    }
  })()
  return {
    get typed() {
      return typed
    },
    stop() {
      isTyping = false
      return typing
    },
  }
}

describe('many at once', () => {
  test('twenty people rotate in the same moment: one new epoch, one new key, and all twenty are told of it', async () => {
    const asked: (string | null)[] = []
    const twenty = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        world.joined(`person ${i}`, {
          keys: (request, options) => {
            asked.push(request.keyHint)
            return world.keys(request, options)
          },
        }),
      ),
    )
    twenty[0]?.text.insert(0, 'before')
    await untilEqual(twenty.map(({ doc }) => doc))
    asked.length = 0
    const rotated = await patiently(Promise.all(twenty.map(({ provider }) => provider.rotateKey())), 'all to be told')
    expect(rotated).toEqual(Array(20).fill(twenty[0]?.provider.epoch))
    expect(rotated[0]?.index).toBe(1)
    expect(await epochsOf(world)).toHaveLength(2)
    expect(await world.keyAct('list')).toMatchObject({ keys: [{ state: 'inactive' }, { state: 'active' }] })
    // Only who has the lease asks for a new key.
    expect(asked.filter((hint) => hint === null)).toHaveLength(1)
    twenty[7]?.text.insert(6, ' after')
    await untilEqual(twenty.map(({ doc }) => doc))
    expect(await world.freshText()).toBe('before after')
  })

  test('somebody rotates again and again while five people type: every letter is there, each under the key of its time', async () => {
    const five = await people(5)
    const typists = five.map((person, i) => keepsTyping(person, 'abcde'.charAt(i)))
    for (let index = 1; index <= 4; index++) {
      const rotator = five[index] as Person
      // Who has not heard of the last one yet would be content with that.
      await writesIn(rotator, index - 1)
      expect(await patiently(rotator.provider.rotateKey(), `epoch ${index}`)).toMatchObject({ index })
    }
    await writesIn(five[0] as Person, 4)
    await Promise.all(typists.map((typist) => typist.stop()))
    await patiently(Promise.all(five.map(({ provider }) => provider.flush())), 'all letters to be durable')
    await untilEqual(five.map(({ doc }) => doc))
    const letters = await world.freshText()
    expect(letters).toBe(five[0]?.text.toString())
    expect('abcde'.split('').map((letter) => letters.split(letter).length - 1)).toEqual(
      typists.map(({ typed }) => typed),
    )
    const log = await world.log()
    expect(isGapless(log)).toBe(true)
    const indexes = indexesOf(log)
    expect(indexes).toEqual([...indexes].sort((a, b) => a - b))
    expect(new Set(indexes)).toEqual(new Set([0, 1, 2, 3, 4]))
  })

  test('two rotations asked for at once by one person are one; the next one is another', async () => {
    const [ada, bob] = (await people(2)) as [Person, Person]
    const [first, second] = await Promise.all([ada.provider.rotateKey(), ada.provider.rotateKey()])
    expect(second).toEqual(first)
    const third = await ada.provider.rotateKey()
    expect([first.index, third.index]).toEqual([1, 2])
    await writesIn(bob, 2)
    const fourth = await bob.provider.rotateKey()
    expect(fourth.index).toBe(3)
    expect(new Set((await epochsOf(world)).map(({ keyHint }) => keyHint)).size).toBe(4)
  })
})

describe('the pause', () => {
  test('what is typed while the log is paused waits, is sealed for the new epoch, and arrives', async () => {
    const [ada, bob, carol] = (await people(3)) as [Person, Person, Person]
    ada.text.insert(0, 'before ')
    await untilEqual([ada.doc, bob.doc, carol.doc])
    ada.wire.hold('up', isOpen)
    const paused = ada.wire.untilPassed('up', isOpen)
    const rotated = ada.provider.rotateKey()
    await patiently(paused, 'the log to be paused')
    const refused = bob.wire.untilPassed('down', ofType('refused'))
    for (const word of ['three ', 'words ', 'more ']) {
      bob.text.insert(bob.text.length, word)
      await settle()
    }
    // The rotator's own user types on, too.
    ada.doc.getText('ada').insert(0, 'mine')
    await refused
    expect(pausedRefusals(bob)).toBe(1)
    ada.wire.release('up')
    await rotated
    await patiently(Promise.all([ada.provider.flush(), bob.provider.flush()]), 'what waited to be durable')
    await untilText(carol.doc, 'before three words more ')
    await untilText(carol.doc, 'mine', 'ada')
    // What was on its way when the pause began was sealed for the old epoch; nothing else was.
    const sealed = new Set(
      saidBy(bob).flatMap((message) =>
        message.type === 'append'
          ? message.envelopes
              .filter(({ envelope }) => parseHeader(envelope).epochIndex === 0)
              .map(({ envelope }) => Buffer.from(envelope).toString('hex'))
          : [],
      ),
    )
    expect(sealed.size).toBe(1)
    expect(indexesOf(await world.log())).toEqual([0, 1, 1])
    expect(await world.freshText()).toBe('before three words more ')
  })

  test('an append that the relay has read when the pause is asked for is in the old epoch, and in the new one’s checkpoint or entries', async () => {
    const [ada, bob] = (await people(2)) as [Person, Person]
    ada.wire.hold('up', ofType('pause'))
    const asked = ada.wire.untilPassed('up', ofType('pause'))
    const rotated = ada.provider.rotateKey()
    await patiently(asked, 'the pause to be asked for')
    ada.wire.hold('down', isPaused)
    const paused = ada.wire.untilPassed('down', isPaused)
    bob.text.insert(0, 'just in time')
    ada.wire.release('up')
    await patiently(paused, 'the pause')
    ada.wire.release('down')
    await rotated
    await bob.provider.flush()
    expect(await world.freshText()).toBe('just in time')
    await untilText(ada.doc, 'just in time')
  })
})

describe('the document', () => {
  test('is empty: the new epoch begins without a checkpoint, and goes on', async () => {
    const [ada, bob] = (await people(2)) as [Person, Person]
    await ada.provider.rotateKey()
    await untilEpoch(bob, 1)
    const records = (await world.records()).map(parseEpochRecord)
    expect(records.map(({ checkpoint }) => checkpoint.every((byte) => byte === 0))).toEqual([true, true])
    bob.text.insert(0, 'first words')
    await untilText(ada.doc, 'first words')
    expect(await world.freshText()).toBe('first words')
  })

  test('has been emptied: what was deleted stays deleted for all, those included who had it open', async () => {
    const [ada, bob] = (await people(2)) as [Person, Person]
    ada.text.insert(0, 'all of it goes')
    await untilText(bob.doc, 'all of it goes')
    bob.text.delete(0, bob.text.length)
    await untilText(ada.doc, '')
    await bob.provider.flush()
    await ada.provider.rotateKey()
    await untilEpoch(bob, 1)
    bob.text.insert(0, 'new')
    await untilText(ada.doc, 'new')
    expect(await world.freshText()).toBe('new')
  })

  test('has a member who is offline with edits of its own: on its return it has theirs, and they have its', async () => {
    const [ada, bob] = (await people(2)) as [Person, Person]
    ada.text.insert(0, 'shared ')
    await untilText(bob.doc, 'shared ')
    bob.wire.unplug()
    bob.doc.getText('offline').insert(0, 'meanwhile')
    ada.text.insert(7, 'before ')
    await ada.provider.rotateKey()
    ada.text.insert(14, 'after')
    await ada.provider.flush()
    const back = nextSync(bob)
    bob.wire.plug()
    await back
    await bob.provider.flush()
    expect(bob.text.toString()).toBe('shared before after')
    await untilText(ada.doc, 'meanwhile', 'offline')
    expect(bob.provider.epoch).toEqual(ada.provider.epoch)
  })

  test('never rests: its rotator’s own user types without a break, on a line that takes its time', async () => {
    const [ada, bob] = (await people(2)) as [Person, Person]
    // A tenth of a second until the relay is heard: several letters are on their way at any time.
    const LATENCY_MS = 100
    ada.wire.rewrite('down', (messages, socket) => {
      setTimeout(() => socket.deliver(messages as never), LATENCY_MS)
      return []
    })
    let isAlwaysUnsynced = true
    ada.text.insert(0, 'a')
    const typist = keepsTyping(ada, 'a')
    const watch = setInterval(() => {
      isAlwaysUnsynced &&= ada.provider.hasUnsyncedChanges
    }, 5)
    const rotated = await patiently(ada.provider.rotateKey(), 'the rotation')
    clearInterval(watch)
    expect(isAlwaysUnsynced).toBe(true)
    await typist.stop()
    await ada.provider.flush()
    expect(rotated.index).toBe(1)
    await untilText(bob.doc, 'a'.repeat(typist.typed + 1))
    expect(await world.freshText()).toBe('a'.repeat(typist.typed + 1))
  })
})
