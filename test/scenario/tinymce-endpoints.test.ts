import { parseEpochRecord } from '@y-sealed/envelope'
import type { Down, Up } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { keyEndpoint } from 'y-sealed'
import { patiently, untilText } from '../support/events.ts'
import { settle } from '../support/fake-clock.ts'
import { type PlainEndpoint, type PlainEndpointOptions, startPlainEndpoint } from '../support/plain-endpoint.ts'
import {
  emptyHints,
  fixedKeyPerDocument,
  type KeyMethod,
  mintsOnEveryNull,
  reusesForAnHour,
  saltInHint,
  takesEmptyForNull,
} from '../support/plain-key-methods.ts'
import { codesOf, expectLocked, someProblem } from '../support/steps.ts'
import { type Person, type PersonOptions, startWorld, type World } from '../support/world.ts'

/** The one that TinyMCE's own documentation has in its example. */
const EMOJI_KEY = 'not a very secret 🔑'

const AS_SAVED_BY_AN_EDITOR = { contentType: 'text/html; charset=UTF-8', byteOrderMark: true }

const isOpen = ({ type }: Up | Down): boolean => type === 'open'

let hints = 0
let world: World
let endpoint: PlainEndpoint

beforeEach(async () => {
  world = await startWorld()
})
afterEach(async () => {
  for (const { key } of endpoint.answered) world.keepSecret(key)
  await endpoint.stop()
  await world.close()
})

/** Somebody whose keys come from the plain endpoint. */
function person(name: string, options: PersonOptions = {}): Person {
  return world.person(name, { keys: keyEndpoint(endpoint.url), ...options })
}

async function joined(name: string, options: PersonOptions = {}): Promise<Person> {
  const somebody = person(name, options)
  await patiently(somebody.provider.whenSynced, `${name} to be synced`)
  return somebody
}

async function leave(...people: Person[]): Promise<void> {
  for (const { provider } of people) {
    await patiently(provider.flush(), 'the last words')
    provider.destroy()
  }
}

/** The first problem, and whatever would come after it. */
async function refused(somebody: Person): Promise<void> {
  await someProblem(somebody)
  await settle()
}

/** The hint that the relay keeps for the document, as somebody who joined was shown it. */
function recordedHint({ wire }: Person): string | undefined {
  const heard = wire.sockets.flatMap(({ connection }) => wire.capture.messages('down', connection))
  const records = heard.flatMap((message) => (message.type === 'joined' ? message.records : []))
  const newest = records.at(-1)
  return newest && parseEpochRecord(newest).keyHint
}

describe('two people write, leave and come back with an endpoint written for TinyMCE RTC', () => {
  const stories: [string, () => KeyMethod, PlainEndpointOptions?][] = [
    ['mints on every null', mintsOnEveryNull],
    ['reuses a key for an hour, takes "" for null and has times for hints', reusesForAnHour],
    ['has one fixed key and leaves the hint out', fixedKeyPerDocument],
    ['has one fixed key and null for a hint', () => fixedKeyPerDocument({ keyHint: null })],
    ['answers "" for a hint, and knows "" from null', emptyHints],
    ['sends the salt of the key as the hint', saltInHint],
    ['has hints of emoji and right-to-left text', () => mintsOnEveryNull(() => `🔑 שלום ${hints++}`)],
    ['answers `success: true` and a message', mintsOnEveryNull, { extraMembers: { success: true, message: 'ok' } }],
    ['answers 400 to members it does not know', mintsOnEveryNull, { refusesUnknownMembers: true }],
    ['calls its JSON HTML and begins with a byte order mark', mintsOnEveryNull, AS_SAVED_BY_AN_EDITOR],
  ]

  test.each(stories)('that %s', async (_, makeMethod, options) => {
    endpoint = await startPlainEndpoint(makeMethod(), options)
    const alice = await joined('Alice')
    alice.text.insert(0, world.canary('alice'))
    await alice.provider.flush()
    const bob = await joined('Bob')
    bob.text.insert(bob.text.length, world.canary('bob'))
    const both = bob.text.toString()
    await untilText(alice.doc, both)
    await leave(alice, bob)

    const carol = await joined('Bob, reopening')
    expect(carol.text.toString()).toBe(both)
    carol.text.insert(0, world.canary('later'))
    await leave(carol)
    expect((await joined('Alice, reopening')).text.toString()).toBe(carol.text.toString())

    // What they asked is what TinyMCE's plugin would have: null once, then the recorded hint, and nothing else.
    const [first, ...others] = endpoint.asked
    const hint = recordedHint(bob)
    expect(first).toBe('{"documentId":"room","keyHint":null}')
    expect(hint).toBe(endpoint.answered[0]?.keyHint ?? '')
    expect(new Set(others)).toEqual(new Set([JSON.stringify({ documentId: 'room', keyHint: hint })]))
  })

  test('that has one short key for everything: it is stretched, and the one who opens the document is told once', async () => {
    endpoint = await startPlainEndpoint(() => ({ key: EMOJI_KEY }))
    const alice = await joined('Alice', { expects: ['key-weak'] })
    alice.text.insert(0, 'sealed. ')
    await alice.provider.flush()
    const bob = await joined('Bob')
    bob.text.insert(bob.text.length, 'and read')
    await untilText(alice.doc, 'sealed. and read')
    alice.provider.disconnect()
    alice.provider.connect()
    await leave(alice, bob)
    expect((await joined('Carol')).text.toString()).toBe('sealed. and read')
    expect(codesOf(alice)).toEqual(['key-weak'])
    expect(alice.provider.counters['key-weak']).toBe(1)
  })

  test('that has one key for everything: documents are apart all the same', async () => {
    const only = fixedKeyPerDocument()
    endpoint = await startPlainEndpoint(({ keyHint }) => only({ documentId: '', keyHint }))
    for (const room of ['first', 'second']) {
      const writer = await joined(`writer of ${room}`, { room })
      writer.text.insert(0, `the ${room} document`)
      await leave(writer)
    }
    // A relay that shows one document under the name of another: the key fits, the document it is bound to does not.
    const reader = person('reader', { room: 'first', documentId: 'second', expects: ['key-mismatch'] })
    reader.text.insert(0, 'mine')
    await refused(reader)
    expect(codesOf(reader)).toEqual(['key-mismatch'])
    expectLocked(reader, 'mine')
  })
})

describe('what cannot work is refused before anything is sealed', () => {
  test('a short key, where the app says so', async () => {
    endpoint = await startPlainEndpoint(() => ({ key: EMOJI_KEY }))
    const alice = person('Alice', { weakKeys: 'refuse', expects: ['key-weak'] })
    alice.text.insert(0, 'mine')
    await refused(alice)
    expect(codesOf(alice)).toEqual(['key-weak'])
    expectLocked(alice, 'mine')
  })

  test('an endpoint that gives no hints and takes "" for null: nobody could ever open the document again', async () => {
    endpoint = await startPlainEndpoint(takesEmptyForNull())
    const alice = person('Alice', { expects: ['key-invalid'] })
    alice.text.insert(0, 'mine')
    await refused(alice)
    expect(codesOf(alice)).toEqual(['key-invalid'])
    expectLocked(alice, 'mine')
    expect(endpoint.asked.slice(1)).toEqual(Array(3).fill('{"documentId":"room","keyHint":""}'))
  })

  test('an endpoint that forgets what it mints, and answers 403 to its own hints', async () => {
    const minting = mintsOnEveryNull()
    endpoint = await startPlainEndpoint((question) => (question.keyHint === null ? minting(question) : undefined))
    const alice = person('Alice', { expects: ['key-invalid'] })
    alice.text.insert(0, 'mine')
    await refused(alice)
    expect(codesOf(alice)).toEqual(['key-invalid'])
    expectLocked(alice, 'mine')
  })
})

test('twenty people open a new document at once where each null mints: one epoch, and no word is lost', async () => {
  endpoint = await startPlainEndpoint(mintsOnEveryNull())
  const words = Array.from({ length: 20 }, (_, number) => `<word ${number}>`)
  const people = words.map((word, number) => {
    const somebody = person(`person ${number}`, { connect: false })
    somebody.text.insert(0, word)
    return somebody
  })
  // Each has a key of its own by the time the relay hears of the first.
  for (const { wire } of people) wire.hold('up', isOpen)
  const minted = Promise.all(people.map(({ wire }) => wire.untilPassed('up', isOpen)))
  for (const { provider } of people) provider.connect()
  await patiently(minted, 'everybody to have a key')
  for (const { wire } of people) wire.release('up')
  await patiently(Promise.all(people.map(({ provider }) => provider.whenSynced)), 'everybody to be synced')
  await leave(...people)

  const reader = await joined('reader')
  expect(reader.text.toString().match(/<.*?>/g)?.sort()).toEqual([...words].sort())
  const winner = recordedHint(reader)
  const asked = endpoint.asked.map((body): string | null => JSON.parse(body).keyHint)
  expect(asked.filter((hint) => hint === null)).toHaveLength(people.length)
  expect(asked.filter((hint) => hint === winner).length).toBeGreaterThan(people.length)
  // It was a race: when they joined, the document was new to each of them.
  expect(people.map(recordedHint).filter((hint) => hint !== undefined)).toEqual([])
})
