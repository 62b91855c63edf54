import { parseEpochRecord } from '@y-sealed/envelope'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type KeySource, keyEndpoint } from 'y-sealed'
import { patiently, untilText, untilTrue } from '../support/events.ts'
import { settle } from '../support/fake-clock.ts'
import { type PlainEndpoint, type PlainEndpointOptions, startPlainEndpoint } from '../support/plain-endpoint.ts'
import {
  emptyHints,
  fixedKeyPerDocument,
  type KeyMethod,
  mintsOnEveryNull,
  oneHintForAll,
  reusesForAnHour,
  saltInHint,
} from '../support/plain-key-methods.ts'
import { codesOf, someProblem } from '../support/steps.ts'
import { type Person, type PersonOptions, startWorld, type World } from '../support/world.ts'

let world: World
let endpoint: PlainEndpoint

beforeEach(async () => {
  world = await startWorld({ data: 'disk' })
})
afterEach(async () => {
  for (const { key } of endpoint.answered) world.keepSecret(key)
  await endpoint.stop()
  await world.close()
})

function joined(name: string, options: PersonOptions = {}): Promise<Person> {
  return world.joined(name, { keys: keyEndpoint(endpoint.url), ...options })
}

async function serve(method: KeyMethod, options?: PlainEndpointOptions): Promise<void> {
  endpoint = await startPlainEndpoint(method, options)
}

/** The hints that the relay keeps for the document, oldest first. */
async function recordedHints(): Promise<string[]> {
  return (await world.records()).map((record) => parseEpochRecord(record).keyHint)
}

function inEpoch({ provider, name }: Person, index: number): Promise<void> {
  return untilTrue(provider, 'epoch', () => provider.epoch?.index === index, `${name} to be in epoch ${index}`)
}

async function say({ provider, text }: Person, words: string): Promise<void> {
  text.insert(text.length, words)
  await patiently(provider.flush(), 'the words to be stored')
}

describe('rotateKey() works with an endpoint written for TinyMCE RTC', () => {
  test.each<[string, () => KeyMethod, PlainEndpointOptions?]>([
    ['that mints on every null', mintsOnEveryNull],
    ['that answers 400 to `after`, and is asked again without', mintsOnEveryNull, { refusesUnknownMembers: true }],
    ['that sends the salt of the key as the hint', saltInHint],
    ['that has hints of emoji', () => mintsOnEveryNull(emojiHints())],
  ])('%s', async (_, makeMethod, options) => {
    await serve(makeMethod(), options)
    const alice = await joined('Alice')
    const bob = await joined('Bob')
    await say(alice, 'before. ')
    await untilText(bob.doc, 'before. ')
    for (const index of [1, 2]) {
      const moved = inEpoch(bob, index)
      expect((await patiently(alice.provider.rotateKey(), 'the rotation')).index).toBe(index)
      await moved
      await say(bob, `in ${index}. `)
    }
    await untilText(alice.doc, 'before. in 1. in 2. ')
    for (const { provider } of [alice, bob]) provider.destroy()
    expect((await joined('Carol')).text.toString()).toBe('before. in 1. in 2. ')

    const hints = await recordedHints()
    expect(new Set(hints).size).toBe(3)
    const asked = endpoint.asked.map((body): Record<string, unknown> => JSON.parse(body))
    const leaving = { documentId: 'room', keyHint: null, after: hints[0] }
    expect(asked).toContainEqual(leaving)
    // Beside that, nothing that it was not written for.
    const others = asked.filter(({ after }) => after === undefined)
    expect(others.every((question) => Object.keys(question).length === 2)).toBe(true)
  })

  test('that reuses a key for an hour, once the hour is over', async () => {
    let nowMs = Date.UTC(2023, 0, 1)
    await serve(reusesForAnHour(() => nowMs))
    const alice = await joined('Alice')
    await expect(alice.provider.rotateKey()).rejects.toMatchObject({ code: 'rotation-unsupported' })
    nowMs += 3_600_000
    expect((await patiently(alice.provider.rotateKey(), 'the rotation')).index).toBe(1)
    expect(await recordedHints()).toEqual(['2023-01-01T00:00:00.000Z', '2023-01-01T01:00:00.000Z'])
  })

  test('by twenty people at once where each null mints: one new epoch, and no word is lost', async () => {
    await serve(mintsOnEveryNull())
    const words = Array.from({ length: 20 }, (_, number) => `<word ${number}>`)
    const people = await Promise.all(words.map((_, number) => joined(`person ${number}`)))
    const rotations = people.map(({ provider }) => provider.rotateKey())
    for (const [number, { text }] of people.entries()) text.insert(0, words[number] ?? '')
    const epochs = await patiently(Promise.all(rotations), 'everybody to have rotated', 25_000)
    expect(new Set(epochs.map(({ fingerprint }) => fingerprint)).size).toBe(1)
    await patiently(Promise.all(people.map(({ provider }) => provider.flush())), 'all words to be stored')
    expect(await recordedHints()).toHaveLength(2)
    const reader = await joined('reader')
    expect(reader.text.toString().match(/<.*?>/g)?.sort()).toEqual([...words].sort())
  })
})

describe('rotateKey() is refused, and everything is as before, with an endpoint', () => {
  test.each<[string, () => KeyMethod, string]>([
    ['that has one fixed key and no hints', fixedKeyPerDocument, 'rotation-unsupported'],
    ['that has one key and "" for a hint', emptyHints, 'rotation-unsupported'],
    ['that has one fixed key and a new hint each time', sameKeyUnderNewHints, 'rotation-unsupported'],
    ['that gives a new key under the hint it gave before, and does not give it again', oneHintForAll, 'key-invalid'],
  ])('%s', async (_, makeMethod, code) => {
    await serve(makeMethod())
    const expects = [code]
    const alice = await joined('Alice', { expects })
    const bob = await joined('Bob', { expects })
    await say(alice, 'before. ')
    const [before, name] = [await world.records(), alice.provider.epoch]
    await expect(patiently(alice.provider.rotateKey(), 'an answer')).rejects.toMatchObject({ code })
    expect(await world.records()).toEqual(before)
    expect(alice.provider.epoch).toEqual(name)
    await say(alice, 'after. ')
    await untilText(bob.doc, 'before. after. ')
    await say(bob, 'Both. ')
    await untilText(alice.doc, 'before. after. Both. ')
    expect((await joined('Carol')).text.toString()).toBe(alice.text.toString())
    expect(alice.provider.hasUnsyncedChanges).toBe(false)
  })
})

test('KE19: a rotation while somebody cannot reach the endpoint: it keeps its edits, and loses nothing once it can', async () => {
  await serve(mintsOnEveryNull())
  const ask = keyEndpoint(endpoint.url)
  let isDown = false
  const keys: KeySource = (request, options) => {
    if (isDown) throw new Error('no route to the endpoint')
    return ask(request, options)
  }
  const alice = await joined('Alice')
  const bob = await joined('Bob', { keys, expects: ['key-unavailable'] })
  isDown = true
  const stranded = untilTrue(bob.provider, 'problem', () => bob.problems.length > 0, 'Bob to miss the new key')
  await patiently(alice.provider.rotateKey(), 'the rotation')
  await stranded
  await say(alice, 'while Bob was away. ')
  bob.text.insert(0, 'kept by Bob. ')
  await settle()
  expect(bob.provider.hasUnsyncedChanges).toBe(true)
  isDown = false
  await untilTrue(bob.provider, 'epoch', () => bob.provider.epoch?.index === 1, 'Bob to have the new key')
  await patiently(bob.provider.flush(), 'his words to be stored')
  expect(codesOf(bob)).toEqual(['key-unavailable'])
  const text = (await joined('Carol')).text.toString()
  for (const words of ['while Bob was away. ', 'kept by Bob. ']) expect(text).toContain(words)
})

describe('the weaker mode', () => {
  test('a relay that asks everybody to look at the endpoint learns and changes nothing: it has no `active` to answer', async () => {
    await serve(mintsOnEveryNull())
    const alice = await joined('Alice')
    const asked = alice.wire.untilPassed('down', ({ type }) => type === 'recheck')
    world.recheck()
    await patiently(asked, 'the nudge')
    await settle()
    await say(alice, 'still here')
    expect(await recordedHints()).toHaveLength(1)
    expect(new Set(endpoint.asked.slice(1))).toEqual(
      new Set([JSON.stringify({ documentId: 'room', keyHint: alice.provider.epoch?.keyHint })]),
    )
  })

  /** What a relay does that hides a rotation: it goes back to a copy of its log from before. */
  async function hiddenRotation(keys: KeySource, told = async (_hint: string): Promise<void> => {}): Promise<void> {
    const alice = await world.joined('Alice', { keys })
    await say(alice, 'before. ')
    alice.provider.destroy()
    await world.stopRelay()
    const restore = world.backup()
    await world.startRelay()
    const bob = await world.joined('Bob', { keys })
    const { keyHint } = await patiently(bob.provider.rotateKey(), 'the rotation')
    await say(bob, 'after. ')
    await told(keyHint)
    bob.provider.destroy()
    await world.stopRelay()
    restore()
    await world.startRelay()
  }

  test('somebody who has never been here is held in the old epoch by a relay that hides the new one, and nothing tells', async () => {
    await serve(mintsOnEveryNull())
    await hiddenRotation(keyEndpoint(endpoint.url))
    const carol = await joined('Carol')
    expect(carol.text.toString()).toBe('before. ')
    expect(carol.provider.epoch?.index).toBe(0)
    await say(carol, 'sealed under a key that a removed member has')
    expect(codesOf(carol)).toEqual([])
  })

  test('with an endpoint that answers `record` and `active` the same is told, and nothing is sealed under the old key', async () => {
    await serve(mintsOnEveryNull())
    await hiddenRotation(world.keys, async (keyHint) => {
      // Whoever opens an epoch tells the endpoint afterwards.
      const kept = async (): Promise<unknown> => {
        const answer = await world.keys({ documentId: 'room', keyHint })
        return (answer as { record: unknown }).record
      }
      while ((await kept()) === null) await settle()
    })
    const carol = world.person('Carol', { expects: ['rollback'] })
    carol.text.insert(0, 'not for a removed member')
    await someProblem(carol)
    await settle()
    expect(codesOf(carol)).toEqual(['rollback'])
    expect(carol.provider.hasUnsyncedChanges).toBe(true)
    expect(await world.log()).toHaveLength(1)
  })

  test('weakKeys: "refuse" locks one who joins a document that somebody else opened under a short key', async () => {
    await serve(mintsOnEveryNull(undefined, () => 'not a very secret 🔑'))
    const alice = await joined('Alice', { expects: ['key-weak'] })
    await say(alice, 'under a short key')
    const strict = world.person('Strict', {
      keys: keyEndpoint(endpoint.url),
      weakKeys: 'refuse',
      expects: ['key-weak'],
    })
    await someProblem(strict)
    expect(codesOf(strict)).toEqual(['key-weak'])
    expect(strict.text.toString()).toBe('')
    expect(strict.provider.synced).toBe(false)
  })
})

function emojiHints(): () => string {
  let count = 0
  return () => `🔑 שלום ${count++}`
}

function sameKeyUnderNewHints(): KeyMethod {
  return mintsOnEveryNull(undefined, () => 'Zq1Wd8Rk4Tn7Xv2Bm5Lc9Hs3Gj6Fp0Ya')
}
