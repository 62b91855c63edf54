import { afterEach, beforeEach, expect, test } from 'vitest'
import { firstOf, fragmentKey, generateKey, shareLink } from 'y-sealed'
import { patiently, untilText } from '../support/events.ts'
import { codesOf, expectLocked, someProblem } from '../support/steps.ts'
import { startWorld, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await startWorld()
})
afterEach(() => world.close())

const opened = (link: string) => ({ keys: fragmentKey({ fragment: new URL(link).hash }) })

test('who is sent a link reads and writes the document; who has half of it, or another, does not', async () => {
  const key = generateKey()
  world.keepSecret(key)
  const link = shareLink('https://app.example/doc-1', key)
  const ada = await world.joined('Ada', opened(link))
  ada.text.insert(0, world.canary('from Ada'))
  await patiently(ada.provider.flush(), 'her words')
  const bob = await world.joined('Bob', opened(link))
  bob.text.insert(0, world.canary('from Bob'))
  await untilText(ada.doc, bob.text.toString())

  const cut = world.person('Carol', { ...opened(link.slice(0, -5)), expects: ['key-invalid'] })
  cut.text.insert(0, 'mine')
  await someProblem(cut)
  expectLocked(cut, 'mine')
  const another = shareLink(link, generateKey())
  const stranger = world.person('Dave', { ...opened(another), expects: ['key-mismatch'] })
  stranger.text.insert(0, 'his')
  await someProblem(stranger)
  expect([codesOf(cut), codesOf(stranger)]).toEqual([['key-invalid'], ['key-mismatch']])
  expectLocked(stranger, 'his')
})

test('an address without a key asks the endpoint, one with a key does not', async () => {
  const asked: (string | null)[] = []
  const endpoint: typeof world.keys = (request, options) => {
    asked.push(request.keyHint)
    return world.keys(request, options)
  }
  const linked = shareLink('https://app.example/doc-1', generateKey())
  await world.joined('Ada', {
    room: 'linked',
    keys: firstOf([fragmentKey({ fragment: new URL(linked).hash }), endpoint]),
  })
  expect(asked).toEqual([])
  await world.joined('Bob', { room: 'not linked', keys: firstOf([fragmentKey({ fragment: '' }), endpoint]) })
  expect(asked[0]).toBeNull()
})
