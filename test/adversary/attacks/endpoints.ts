import { inspect } from 'node:util'
import { recordHash } from '@y-sealed/envelope'
import { expect } from 'vitest'
import { type KeySource, keyEndpoint } from 'y-sealed'
import { patiently } from '../../support/events.ts'
import type { Person } from '../../support/world.ts'
import type { Attack } from '../attack.ts'
import { listen } from '../listen.ts'
import { History } from '../relay/history.ts'

const SEALED = new Set(['append', 'stage', 'open', 'compact', 'awareness'])

/** Messages with something sealed that this person has sent. */
function sealedBy({ wire }: Person): number {
  const said = wire.sockets.flatMap(({ connection }) => wire.capture.messages('up', connection))
  return said.filter(({ type }) => SEALED.has(type)).length
}

/** A6. What can be guessed is stretched, told of, and refused where the app says so. */
export const guessableKey: Attack = {
  id: 'A6',
  title: 'a key that can be guessed',
  done: 'the endpoint gives "hunter2" for a key; the relay has all ciphertext to guess at',
  async run(scene) {
    const keys: KeySource = async () => ({ key: 'hunter2', keyHint: '' })
    scene.strike()
    const strict = scene.person('Strict', { keys, weakKeys: 'refuse', expects: ['key-weak'] })
    await scene.notices(strict, 'key-weak')
    expect(sealedBy(strict)).toBe(0)
    scene.leaves(strict)
    const ada = scene.person('Ada', { keys, expects: ['key-weak'] })
    // Stretching a key takes the machine's time, and none of the members'.
    await patiently(ada.provider.whenSynced, 'Ada to be synced')
    await scene.notices(ada, 'key-weak')
    await scene.write(ada)
    // 600,000 rounds of PBKDF2 for each guess.
    expect(scene.relay.room().shared.head?.record[2], 'a guess costs nothing').toBe(1)
    await scene.agree(ada)
  },
}

const NO_KEYS: readonly unknown[] = [
  ...[null, undefined, 123, 0, true, Number.NaN, '', [], {}, 'a string'],
  ...[
    { key: null },
    { key: 123 },
    { key: {} },
    { key: [] },
    { key: '' },
    { key: true },
    { key: 'lone \ud800 surrogate' },
  ],
  ...[{ key: 'k'.repeat(65 * 1024) }, { key: ['0123456789abcdefghijklmnopqrstuvwxyz'] }, { Key: 'x'.repeat(40) }],
]

/** A7. Nothing is made into a key that is not one. */
export const keyCoercion: Attack = {
  id: 'A7',
  title: 'answers that are no keys',
  done: `the endpoint gives ${NO_KEYS.length} things that are no keys: null, numbers, objects, nothing, lone surrogates, 65 KiB`,
  async run(scene) {
    scene.strike()
    for (const [i, answer] of NO_KEYS.entries()) {
      // What a source of JavaScript can give is not what its type says.
      const keys = (async () => answer) as KeySource
      const room = `room-${i}`
      const person = scene.person(`Ada ${i}`, { room, keys, expects: ['key-invalid'], isHonest: false })
      scene.type(person)
      const isRefused = (): boolean => person.problems.some(({ code }) => code === 'key-invalid')
      await scene.until(() => isRefused() || sealedBy(person) > 0, 'to be told something')
      expect(sealedBy(person), `sealed with ${inspect(answer).slice(0, 30)}`).toBe(0)
      expect(person.problems.map(({ code }) => code)).toEqual(['key-invalid'])
      person.provider.destroy()
    }
    scene.remark(`${NO_KEYS.length} of ${NO_KEYS.length} refused, nothing sealed`)
  },
}

/** A11. Keys are in no error, log or inspection, whatever goes wrong. */
export const keyExposure: Attack = {
  id: 'A11',
  title: 'keys in errors and logs',
  done: 'a key is refused, does not fit and is garbled while everything that is printed, thrown or inspected is kept',
  async run(scene) {
    const secret = 'sings-in-no-log-0123456789abcdef'
    const printed: string[] = []
    const { log, warn, error, debug, info } = console
    const keep = (...said: unknown[]): void => void printed.push(inspect(said, { depth: 8 }))
    Object.assign(console, { log: keep, warn: keep, error: keep, debug: keep, info: keep })
    try {
      const keys: KeySource = async () => ({ key: secret, keyHint: 'h' })
      const ada = await scene.writer('Ada', { keys })
      scene.strike()
      const wrong: [string, KeySource][] = [
        ['key-mismatch', async () => ({ key: `${secret}-another`, keyHint: 'h' })],
        ['key-invalid', async () => ({ key: `${secret}\ud800`, keyHint: 'h' })],
        ['internal', () => Promise.reject(new Error(`the answer was ${secret}`))],
      ]
      for (const [code, source] of wrong) {
        const name = `Bob ${code}`
        const bob = scene.person(name, { keys: source, expects: [code, 'key-unavailable'], isHonest: false })
        await scene.until(() => bob.problems.length > 0, `${name} to be told`)
        for (const problem of bob.problems) {
          const { message, code, where, action, stack, cause } = problem
          printed.push(
            JSON.stringify({ message, code, where, action, cause }),
            String(stack),
            inspect(problem, { depth: 8 }),
          )
        }
        printed.push(inspect(bob.provider, { depth: 8, showHidden: true }))
        bob.provider.destroy()
      }
      printed.push(inspect(ada.provider, { depth: 8, showHidden: true }), String(ada.provider))
      await scene.agree(ada)
    } finally {
      Object.assign(console, { log, warn, error, debug, info })
    }
    expect(printed.join('\n').includes(secret), 'a key was printed').toBe(false)
    scene.remark(`${printed.length} texts without a key`)
  },
}

/** C3. A hint is bound into the keys of its epoch, and a hint that is none is asked nobody for. */
export const hintSwap: Attack = {
  id: 'C3',
  title: 'another hint in the record',
  done: 'the relay writes the hint of another key into the record (the customer’s endpoint gives the same key for both), and one of 1,000 characters',
  async run(scene) {
    const key = 'the-same-key-whatever-the-hint-0123456789'
    scene.world.keepSecret(key)
    const asked: (string | null)[] = []
    const keys: KeySource = async ({ keyHint }) => {
      asked.push(keyHint)
      return { key, ...(keyHint === null ? { keyHint: 'hint-one' } : {}) }
    }
    const ada = await scene.writer('Ada', { keys })
    const room = scene.relay.room()
    const { shared } = room
    const record = shared.head?.record
    if (record === undefined) throw new Error('there is an epoch')
    const bytes = Buffer.from(record)
    const at = bytes.indexOf('hint-one')
    const long = Buffer.concat([
      bytes.subarray(0, at - 2),
      Buffer.from([1_000 >> 8, 1_000 & 255]),
      Buffer.alloc(1_000, 'x'),
      bytes.subarray(at + 8),
    ])
    const swapped = [Buffer.from(bytes).fill('hint-two', at, at + 8), long].map((each) => new Uint8Array(each))
    scene.strike()
    const codes = ['key-mismatch', 'relay-fault']
    for (const [i, other] of swapped.entries()) {
      const told = new History()
      told.open(other).add(shared.entries)
      room.show(`Bob ${i}`, told)
      const bob = scene.person(`Bob ${i}`, { keys, expects: codes })
      await scene.until(() => bob.problems.length > 0 || bob.provider.synced, 'Bob to be told something')
      expect(bob.provider.synced, 'a record with another hint was followed').toBe(false)
      expect(bob.provider.counters.opened ?? 0).toBe(0)
      await scene.notices(bob, codes[i] ?? '')
      room.show(bob.name, undefined)
      scene.relay.cut(bob.name)
      await scene.agree(ada, bob)
    }
    expect(asked.filter((hint) => (hint ?? '').length > 256)).toEqual([])
    expect(recordHash(record)).toHaveLength(32)
  },
}

/** C10. Without a key nothing is sealed, however long it takes. */
export const outage: Attack = {
  id: 'C10',
  title: 'an endpoint that fails',
  done: 'the endpoint answers 500 for a minute while somebody types; the relay would take anything',
  async run(scene) {
    let isDown = true
    const failing = await listen((_, response) => {
      response.writeHead(500)
      response.end()
    })
    try {
      const down = keyEndpoint(failing.url)
      const keys: KeySource = (request, options) => (isDown ? down : scene.world.keys)(request, options)
      scene.strike()
      const ada = scene.person('Ada', { keys, expects: ['key-unavailable'] })
      for (let second = 0; second < 60; second += 10) {
        scene.type(ada)
        await scene.wait(10_000)
      }
      expect(sealedBy(ada), 'something was sealed without a key').toBe(0)
      await scene.notices(ada, 'key-unavailable')
      expect(ada.provider.hasUnsyncedChanges).toBe(true)
      isDown = false
      await scene.pass(ada.provider.whenSynced, 'Ada to be synced')
      await scene.pass(ada.provider.flush(), 'all of it to be durable')
      await scene.agree(ada, await scene.member('Bob'))
    } finally {
      await failing.close()
    }
  },
}

/** A5. A key is compared with what the record commits to before anything is opened with it. */
export const twoKeys: Attack = {
  id: 'A5',
  title: 'one record, two keys',
  done: 'the endpoint, in league with the relay, gives two members two keys for one hint; the relay shows both the same record and envelopes',
  async run(scene) {
    const keysOf = (key: string): KeySource => {
      scene.world.keepSecret(key)
      return async () => ({ key, keyHint: 'one-hint' })
    }
    const ada = await scene.writer('Ada', { keys: keysOf('correct-horse-battery-staple-0123456789') })
    scene.strike()
    const keys = keysOf('another-horse-battery-staple-0123456789')
    const bob = scene.person('Bob', { keys, expects: ['key-mismatch'] })
    await scene.until(() => bob.problems.length > 0 || bob.provider.synced, 'Bob to be told something')
    await scene.notices(bob, 'key-mismatch')
    // Not even tried: nothing of the log was looked at.
    expect(bob.provider.counters).toEqual({ 'key-mismatch': expect.any(Number) })
    scene.leaves(bob)
    await scene.agree(ada)
    scene.remark('an envelope that opens under two keys: test/unit/envelope/salamander.test.ts')
  },
}
