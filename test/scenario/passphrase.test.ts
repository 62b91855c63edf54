import { afterEach, beforeEach, expect, test } from 'vitest'
import { passphrase } from 'y-sealed'
import { patiently, until, untilText } from '../support/events.ts'
import { codesOf, expectLocked, someProblem, synced } from '../support/steps.ts'
import { startWorld, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await startWorld()
})
afterEach(() => world.close())

/** The least that is allowed. */
const CHEAP = { memoryKiB: 19_456, passes: 2 }

test('who knows the words reads and writes, after a rotation too; who mistypes them is locked until they are right', async () => {
  const words = world.canary('words')
  const ada = await world.joined('Ada', { keys: passphrase(words, CHEAP) })
  ada.text.insert(0, world.canary('from Ada'))
  await patiently(ada.provider.flush(), 'her words')

  let typed = `${words}r`
  const bob = world.person('Bob', { keys: passphrase(() => typed), expects: ['key-mismatch'] })
  bob.text.insert(0, 'mine')
  await someProblem(bob)
  expect(codesOf(bob)).toEqual(['key-mismatch'])
  expectLocked(bob, 'mine')
  typed = words
  const fits = until(bob.provider, 'key-match')
  bob.provider.connect()
  await fits
  await synced(bob)
  await untilText(ada.doc, bob.text.toString())

  const { keyHint } = await ada.provider.rotateKey()
  expect(keyHint).toMatch(/^\$argon2id\$/)
  bob.text.insert(0, world.canary('under the next salt'))
  await patiently(bob.provider.flush(), 'his words')
  await untilText(ada.doc, bob.text.toString())
  expect(ada.provider.epoch).toEqual(bob.provider.epoch)
})
