import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type KeyAnswer, KeyError, type KeySource, type KeyStanding, rememberKeys } from 'y-sealed'
import { patiently, untilText, untilTrue } from '../support/events.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { withActive } from '../support/key-sources.ts'
import { codesOf, expectLocked, someProblem } from '../support/steps.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await startWorld()
})
afterEach(() => world.close())

/** What somebody is told of their keys, from now on. */
function standings({ provider }: Person): KeyStanding[] {
  const told: KeyStanding[] = []
  provider.on('key-standing', (standing) => void told.push(standing))
  return told
}

const untilStanding = ({ provider }: Person, wanted: KeyStanding) =>
  untilTrue(provider, 'key-standing', () => provider.keyStanding === wanted, `the keys to be ${wanted}`)

/** A source that somebody may switch off. */
function switched(source: KeySource): { keys: KeySource; error?: KeyError } {
  const state: { keys: KeySource; error?: KeyError } = {
    keys: (request, options) => {
      if (state.error !== undefined) throw state.error
      return source(request, options)
    },
  }
  return state
}

describe('each state of the keys is told', () => {
  test('asked for, out of reach, refused, here, retired, and in use again', async () => {
    let isActive = true
    const state = switched(withActive(world.keys, () => isActive))
    state.error = new KeyError('key-unavailable', 'down')
    const ada = world.person('Ada', {
      keys: state.keys,
      expects: ['key-unavailable', 'key-refused', 'rotation-unsupported'],
    })
    const told = standings(ada)
    expect(ada.provider.keyStanding).toBe('none')
    await untilStanding(ada, 'unavailable')
    state.error = new KeyError('key-refused', 'no')
    await untilStanding(ada, 'locked')
    delete state.error
    ada.provider.connect()
    await patiently(ada.provider.whenSynced, 'Ada to be synced')
    expect(told).toEqual(['asking', 'unavailable', 'locked', 'here'])

    isActive = false
    world.recheck()
    await untilStanding(ada, 'retired')
    isActive = true
    await ada.provider.rotateKey()
    await untilStanding(ada, 'here')
  })

  test('without a source it is missing from the start', () => {
    const ada = world.person('Ada', { keys: undefined as unknown as KeySource, expects: ['key-missing'] })
    expect(ada.provider.keyStanding).toBe('missing')
  })
})

test('who writes asks again whether the key is in use, as often as the app says', async () => {
  const clock = new FakeClock()
  let asked = 0
  let onAsked = () => {}
  const keys: KeySource = (request, options) => {
    asked++
    onAsked()
    return world.keys(request, options)
  }
  const ada = await world.joined('Ada', { keys, keyRecheckInterval: 60_000, unsafeClock: clock })
  const type = async () => {
    ada.text.insert(0, 'x')
    await patiently(ada.provider.flush(), 'a word')
  }
  await type()
  const before = asked
  // In steps: half a minute of silence would end the connection.
  for (const passedMs of [20_000, 20_000, 19_999]) {
    await clock.advance(passedMs)
    await type()
  }
  expect(asked).toBe(before)
  await clock.advance(1)
  const again = new Promise<void>((resolve) => {
    onAsked = resolve
  })
  await type()
  await patiently(again, 'the endpoint to be asked again')
  expect(asked).toBe(before + 1)
})

describe('a hint that gives something away', () => {
  const withHint = (keyHint: (key: string) => string): KeySource => {
    const source: KeySource = async ({ keyHint: asked, ...request }, options) => {
      const answer = (await world.keys(
        { ...request, keyHint: asked === null ? null : first.hint },
        options,
      )) as KeyAnswer
      if (asked === null) first.hint = answer.keyHint ?? ''
      return { key: answer.key, keyHint: keyHint(answer.key) }
    }
    const first = { hint: '' }
    return source
  }

  test.each([
    ['an e-mail address', () => 'ada@example.org'],
    ['an access token', () => `${btoa('{"alg":"HS256"}')}.${btoa('{"sub":"ada"}')}.c2ln`.replaceAll('=', '')],
  ])('is warned of once, without its words: %s', async (what, hint) => {
    const ada = await world.joined('Ada', { keys: withHint(hint), expects: ['key-weak'] })
    expect(ada.problems.map(({ code, message }) => [code, message])).toEqual([
      ['key-weak', `the key hint looks like ${what}, and the relay stores it in clear`],
    ])
  })

  test('the key in its own hint is refused before the relay sees it', async () => {
    const ada = world.person('Ada', { keys: withHint((key) => `v1 ${key}`), expects: ['key-invalid'] })
    ada.text.insert(0, 'mine')
    await someProblem(ada)
    expect(codesOf(ada)).toEqual(['key-invalid'])
    expect(ada.provider.keyStanding).toBe('locked')
    // That no frame has the key is looked for when the world closes.
    expectLocked(ada, 'mine')
  })
})

test('a document that was open in this page is opened again while the endpoint is down', async () => {
  const state = switched(world.keys)
  const keys = rememberKeys(state.keys)
  const ada = await world.joined('Ada', { keys })
  ada.text.insert(0, world.canary('from Ada'))
  await patiently(ada.provider.flush(), 'her words')
  ada.provider.destroy()
  state.error = new KeyError('key-unavailable', 'down')
  const again = await world.joined('Ada again', { keys })
  await untilText(again.doc, ada.text.toString())
  again.text.insert(0, 'written in the outage ')
  await patiently(again.provider.flush(), 'what was written in the outage')
})
