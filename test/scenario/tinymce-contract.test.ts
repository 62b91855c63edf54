import { deriveEpochKeys, parseDocumentKey, parseEpochRecord, verifyEpochRecord } from '@y-sealed/envelope'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type KeySource, keyEndpoint } from 'y-sealed'
import { patiently, until, untilText } from '../support/events.ts'
import { settle } from '../support/fake-clock.ts'
import { type PlainEndpoint, startPlainEndpoint } from '../support/plain-endpoint.ts'
import { fixedKeyPerDocument, type KeyMethod, mintsOnEveryNull } from '../support/plain-key-methods.ts'
import { codesOf, expectLocked, someProblem } from '../support/steps.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// What the contract of TinyMCE's encryption provider asks of a client; KE numbers as in docs/tinymce-endpoints.md.

let world: World
let endpoint: PlainEndpoint | undefined

beforeEach(async () => {
  world = await startWorld()
})
afterEach(async () => {
  for (const { key } of endpoint?.answered ?? []) world.keepSecret(key)
  await endpoint?.stop()
  endpoint = undefined
  await world.close()
})

async function served(method: KeyMethod): Promise<{ keys: KeySource; asked: readonly string[] }> {
  endpoint = await startPlainEndpoint(method)
  return { keys: keyEndpoint(endpoint.url), asked: endpoint.asked }
}

function recordOf({ wire }: Person): Uint8Array {
  for (const { connection } of wire.sockets) {
    for (const message of wire.capture.messages('down', connection)) {
      if (message.type === 'joined' && message.records[0] !== undefined) return message.records[0]
    }
  }
  throw new Error('this person was shown no record')
}

test('KE8: without a hint in the answer to null the hint is "", and "" is what is asked with from then on', async () => {
  const { keys, asked } = await served(fixedKeyPerDocument())
  const alice = await world.joined('Alice', { keys })
  alice.provider.destroy()
  const bob = await world.joined('Bob', { keys })
  expect(parseEpochRecord(recordOf(bob)).keyHint).toBe('')
  expect(asked[0]).toBe('{"documentId":"room","keyHint":null}')
  expect(asked.slice(1).every((body) => body === '{"documentId":"room","keyHint":""}')).toBe(true)
})

describe('KE9: key and hint arrive byte for byte', () => {
  const texts = [
    ['emoji', '🔑 and 👩‍👩‍👧‍👦 and 🏴‍☠️'],
    ['right-to-left text', 'מפתח סודי \u200fابجد'],
    ['control characters', 'a\u0001b\tc\r\nd\u001be\u007f'],
    ['letters beyond the first plane', '𝔨𝔢𝔶 𠜎𠜱𠝹'],
    ['a key emoji that was once read as Latin-1', 'ðŸ”‘ is not 🔑'],
    ['accents that are not composed', 'cle\u0301 is not cl\u00e9'],
    ['white space around it', '  \u00a0key\u3000 '],
  ] as const

  test.each(texts)('%s', async (_, text) => {
    const [key, keyHint] = [`${text} as key`, `${text} as hint`]
    const { keys, asked } = await served(
      mintsOnEveryNull(
        () => keyHint,
        () => key,
      ),
    )
    // No base64 of 32 characters or more: it counts as one that can be guessed.
    const alice = await world.joined('Alice', { keys, expects: ['key-weak'] })
    alice.text.insert(0, 'sealed')
    await alice.provider.flush()
    alice.provider.destroy()
    const bob = await world.joined('Bob', { keys })
    expect(bob.text.toString()).toBe('sealed')
    expect(JSON.parse(asked.at(-1) ?? '')).toEqual({ documentId: 'room', keyHint })

    // The key is never seen; that it is this one, and no other spelling of it, shows in the record.
    const record = recordOf(bob)
    const derived = await deriveEpochKeys(parseDocumentKey(key), { ...parseEpochRecord(record), documentId: 'room' })
    expect(await verifyEpochRecord(derived, record)).toBe(true)
    derived.forget()
  })
})

describe('KE10: a hint has at most 256 UTF-16 units', () => {
  test.each([
    ['of Latin letters', 'h'.repeat(256)],
    ['of three bytes each', '€'.repeat(256)],
    ['of which an emoji is two', '🔑'.repeat(128)],
  ])('256 %s are taken', async (_, hint) => {
    const { keys } = await served(mintsOnEveryNull(() => hint))
    const alice = await world.joined('Alice', { keys })
    alice.text.insert(0, 'sealed')
    await alice.provider.flush()
    expect((await world.joined('Bob', { keys })).text.toString()).toBe('sealed')
  })

  test('257 are refused, in a sentence that says so, and nothing is sealed', async () => {
    const { keys } = await served(mintsOnEveryNull(() => 'h'.repeat(257)))
    const alice = world.person('Alice', { keys, expects: ['key-invalid'] })
    alice.text.insert(0, 'mine')
    await someProblem(alice)
    await settle()
    expect(alice.problems[0]?.message).toBe(
      'keyHint: expected well-formed text of at most 256 UTF-16 units, got a string of 257 units',
    )
    expectLocked(alice, 'mine')
  })
})

describe('KE17: what an encryption provider may hand over', () => {
  test('any thenable, with then and catch or with then alone', async () => {
    const thenable = (value: unknown) => ({
      // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
      then: (resolve: (value: unknown) => void) => resolve(value),
      catch: () => {},
    })
    const keys: KeySource = () => thenable({ key: 'Zq1Wd8Rk4Tn7Xv2Bm5Lc9Hs3Gj6Fp0Ya', keyHint: 'h1' })
    const alice = await world.joined('Alice', { keys })
    alice.text.insert(0, 'sealed')
    await alice.provider.flush()
    expect((await world.joined('Bob', { keys })).text.toString()).toBe('sealed')
  })

  test('a rejection: the endpoint is named as the cause, nothing is sealed, and its words stay where they are', async () => {
    const keys: KeySource = () => Promise.reject(new Error('password of the key database: hunter2'))
    const alice = world.person('Alice', { keys, expects: ['key-unavailable'] })
    alice.text.insert(0, world.canary('typed'))
    const typed = alice.text.toString()
    await someProblem(alice)
    await settle()
    expect(alice.problems[0]).toMatchObject({ code: 'key-unavailable', where: 'keys' })
    expect(String(alice.problems[0])).not.toContain('hunter2')
    expectLocked(alice, typed)
  })

  test('undefined, where the failure was only printed: locked, and asked again later', async () => {
    const keys: KeySource = () => Promise.reject(new Error('offline')).catch(() => {})
    const alice = world.person('Alice', { keys, expects: ['key-invalid'] })
    alice.text.insert(0, 'mine')
    await someProblem(alice)
    await settle()
    expect(codesOf(alice)).toEqual(['key-invalid'])
    expectLocked(alice, 'mine')
  })
})

test('KE18: an endpoint that is down at the start is named as the cause; when it is back all goes on without a reload', async () => {
  const { keys } = await served(mintsOnEveryNull())
  await endpoint?.stop()
  const alice = world.person('Alice', { keys, expects: ['key-unavailable'] })
  alice.text.insert(0, 'typed while it was down')
  await someProblem(alice)
  expect(alice.problems[0]).toMatchObject({
    code: 'key-unavailable',
    where: 'keys',
    message: expect.stringContaining('ECONNREFUSED'),
  })
  expectLocked(alice, 'typed while it was down')
  await endpoint?.start()
  await patiently(alice.provider.whenSynced, 'the key to be there')
  await alice.provider.flush()
  expect(codesOf(alice)).toEqual(['key-unavailable'])
  expect((await world.joined('Bob', { keys })).text.toString()).toBe('typed while it was down')
})

describe('KE19: an endpoint that goes down in the middle', () => {
  test('stops nobody who has the key, not even through a reconnect; who comes new waits, and loses nothing', async () => {
    const { keys } = await served(mintsOnEveryNull())
    const expects = ['key-unavailable']
    const alice = await world.joined('Alice', { keys, expects })
    const bob = await world.joined('Bob', { keys, expects })
    await endpoint?.stop()
    alice.text.insert(0, 'one ')
    await untilText(bob.doc, 'one ')
    const again = until(bob.provider, 'sync', (isSynced) => isSynced === true, 'Bob to be synced again')
    bob.wire.cut()
    alice.text.insert(4, 'two ')
    await again
    bob.text.insert(bob.text.length, 'three')
    await untilText(alice.doc, bob.text.toString())
    await alice.provider.flush()

    const carol = world.person('Carol', { keys, expects })
    carol.text.insert(0, 'four')
    await someProblem(carol)
    expectLocked(carol, 'four')
    await endpoint?.start()
    await patiently(carol.provider.whenSynced, 'Carol to get her key')
    await patiently(carol.provider.flush(), 'her words to be stored')
    await untilText(alice.doc, carol.text.toString())
    for (const words of ['one ', 'two ', 'three', 'four']) expect(alice.text.toString()).toContain(words)
  })
})

test('a hint in any answer but the one to null has no effect', async () => {
  let asked = 0
  const mint = mintsOnEveryNull()
  const { keys } = await served((question) => {
    const answer = mint(question)
    return answer && question.keyHint !== null ? { ...answer, keyHint: `another ${asked++}` } : answer
  })
  const alice = await world.joined('Alice', { keys })
  alice.text.insert(0, 'sealed')
  await alice.provider.flush()
  alice.provider.destroy()
  const bob = await world.joined('Bob', { keys })
  const carol = await world.joined('Carol', { keys })
  expect(carol.text.toString()).toBe('sealed')
  expect(parseEpochRecord(recordOf(carol)).keyHint).toBe(parseEpochRecord(recordOf(bob)).keyHint)
  expect(asked).toBeGreaterThan(1)
})
