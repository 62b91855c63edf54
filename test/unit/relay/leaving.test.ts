import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeSealer, fakeRecord, toEntries } from '../../scenario/relay-raw-client.ts'
import { settle } from '../../support/fake-clock.ts'
import { joinOf, type SocketlessClient, SocketlessRelay } from './socketless-relay.ts'

const LONG = 'a room with a long log'
const OTHER = 'another room'
const LEAVE = { type: 'leave', channel: 1 } as const

let relay: SocketlessRelay
let client: SocketlessClient

beforeEach(async () => {
  relay = new SocketlessRelay()
  const writer = relay.connect()
  writer.say(joinOf(LONG))
  await settle()
  writer.say({ type: 'open', channel: 1, request: 1, record: fakeRecord(), sequence: 0, envelopes: [] })
  const sealer = new FakeSealer()
  for (let request = 2; request < 5; request++) {
    await settle()
    writer.say({ type: 'append', channel: 1, request, envelopes: toEntries([sealer.seal(100)]) })
  }
  await settle()
  expect((await relay.store.head(LONG)).sequence).toBe(3)
  client = relay.connect()
})
afterEach(() => relay.close())

/** Says these, lets the relay come as far as it gets, and returns what it has said to that. */
async function answersTo(act: () => void): Promise<string[]> {
  const from = client.heard.length
  act()
  await settle()
  return client.heard.slice(from).map((message) => {
    const { type } = message
    return 'sequence' in message ? `${type} ${message.sequence}` : type
  })
}

describe('who leaves a channel may use its number for another room at once, and hears only of that', () => {
  it('where the log was being read for its join', async () => {
    const goOn = relay.stall('records')
    expect(await answersTo(() => client.say(joinOf(LONG)))).toEqual([])
    expect(await answersTo(() => client.say(LEAVE, joinOf(OTHER)))).toEqual([])
    expect(await answersTo(goOn)).toEqual(['joined 0', 'caught-up 0'])
  })

  it('where a stretch of the log was being read for it', async () => {
    await answersTo(() => client.say(joinOf(LONG)))
    const goOn = relay.stall('read')
    await answersTo(() => client.say({ type: 'read', channel: 1, request: 7, after: 0, to: 2 }))
    expect(await answersTo(() => client.say(LEAVE, joinOf(OTHER)))).toEqual(['joined 0', 'caught-up 0'])
    expect(await answersTo(goOn)).toEqual([])
  })

  it('where the next token was being looked at', async () => {
    await answersTo(() => client.say(joinOf(LONG)))
    const goOn = relay.stall('authorize')
    await answersTo(() => client.say({ type: 'refresh', channel: 1, token: '' }))
    await answersTo(() => client.say(LEAVE, joinOf(OTHER)))
    expect(await answersTo(goOn)).toEqual(['joined 0', 'caught-up 0'])
  })
})
