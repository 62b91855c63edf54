import type { Down, Up } from '@y-sealed/protocol'
import { EnvelopeKind } from '@y-sealed/protocol/header'
import type { Access, Relay } from '@y-sealed/relay'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { upCodecs } from '../../packages/protocol/src/up.ts'
import { createRelay } from '../support/nodes.ts'
import { FakeSealer, fakeRecord, RawClient, sha256, toEntries } from './relay-raw-client.ts'

// Every message that a client can say, in every role: what the relay answers. A new message needs its line here.
const ROLES: Record<string, { access: Access | null; observe?: boolean }> = {
  stranger: { access: null },
  reader: { access: { subject: 'r', role: 'read' } },
  'reader that claims to rotate': { access: { subject: 'c', role: 'read', mayRotate: true } },
  'writer who observes': { access: { subject: 'o', role: 'write' }, observe: true },
  'writer that may not rotate': { access: { subject: 'n', role: 'write', mayRotate: false } },
  writer: { access: { subject: 'w', role: 'write' } },
}

const record = fakeRecord()
const hash = sha256(record)
const request = 7
const channel = 1
const sealer = () => new FakeSealer()
const entries = () => toEntries([sealer().seal()])
const none = new Uint8Array(32)

type Ask = { up: () => Up; room?: string }
const MESSAGES: Record<string, Ask> = {
  append: { up: () => ({ type: 'append', channel, request, envelopes: entries() }) },
  stage: { up: () => ({ type: 'stage', channel, request, envelopes: entries() }) },
  'open a first epoch': {
    room: 'new',
    up: () => ({ type: 'open', channel, request, record: fakeRecord(), sequence: 0, envelopes: [] }),
  },
  'open a next epoch': {
    up: () => ({
      ...{ type: 'open', channel, request, record: fakeRecord(1), previous: hash },
      ...{ sequence: 0, hash: none, envelopes: [] },
    }),
  },
  'lease to rotate': { up: () => ({ type: 'lease', channel, request, purpose: 'rotate', head: hash }) },
  'lease for a checkpoint': { up: () => ({ type: 'lease', channel, request, purpose: 'checkpoint', head: hash }) },
  pause: { up: () => ({ type: 'pause', channel, request }) },
  release: { up: () => ({ type: 'release', channel, request }) },
  compact: {
    up: () => ({ type: 'compact', channel, request, sequence: 1, hash: none, checkpoint: none, envelopes: [] }),
  },
  read: { up: () => ({ type: 'read', channel, request, after: 0, to: 0 }) },
  fetch: { up: () => ({ type: 'fetch', channel, request, checkpoint: none, first: 1, last: 0 }) },
  checkpoints: { up: () => ({ type: 'checkpoints', channel, request, record: none }) },
  awareness: { up: () => ({ type: 'awareness', channel, envelope: sealer().seal(64, EnvelopeKind.awareness) }) },
  refresh: { up: () => ({ type: 'refresh', channel, token: 'the same' }) },
  leave: { up: () => ({ type: 'leave', channel }) },
  ping: { up: () => ({ type: 'ping', nonce: 5 }) },
  join: {
    up: () => ({
      ...{ type: 'join', channel: 2, room: 'other', token: 'the same', params: {} },
      ...{ cursor: 0, hash: new Uint8Array(0), observe: false },
    }),
  },
  hello: { up: () => ({ type: 'hello', minVersion: 1, maxVersion: 1, agent: '' }) },
}

const DENIED = 'write-denied'
const readersOnly = (answer: string) => [answer, answer, answer]
const GONE = 'unknown-channel'

// In the order of ROLES.
const ANSWERS: Record<string, string[]> = {
  append: [GONE, ...readersOnly(DENIED), 'ack', 'ack'],
  stage: [GONE, ...readersOnly(DENIED), 'staged', 'staged'],
  'open a first epoch': [GONE, ...readersOnly(DENIED), 'opened', 'opened'],
  'open a next epoch': [GONE, ...readersOnly(DENIED), DENIED, 'busy'],
  'lease to rotate': [GONE, ...readersOnly(DENIED), DENIED, 'leased'],
  'lease for a checkpoint': [GONE, ...readersOnly(DENIED), 'leased', 'leased'],
  pause: [GONE, ...readersOnly(DENIED), DENIED, 'busy'],
  release: [GONE, ...readersOnly('released'), 'released', 'released'],
  compact: [GONE, ...readersOnly(DENIED), 'busy', 'busy'],
  read: [GONE, ...readersOnly('caught-up'), 'caught-up', 'caught-up'],
  fetch: [GONE, ...readersOnly('unknown'), 'unknown', 'unknown'],
  checkpoints: [GONE, ...readersOnly('unknown'), 'unknown', 'unknown'],
  awareness: [GONE, 'nothing', 'nothing', DENIED, 'nothing', 'nothing'],
  refresh: [GONE, ...readersOnly('access'), 'access', 'access'],
  leave: Array(6).fill('nothing'),
  ping: Array(6).fill('pong'),
  join: ['closed', ...readersOnly('joined'), 'joined', 'joined'],
  hello: Array(6).fill('4400'),
}

let relay: Relay

beforeAll(async () => {
  const byToken = (name: string) => ROLES[name]?.access ?? null
  relay = await createRelay({
    data: 'memory',
    port: 0,
    // A role is the token that names it; `the same` is what the connection has come with.
    auth: async (token, { params }) => byToken(token === 'the same' ? (params.as ?? '') : token),
  })
})

afterAll(() => relay.close())

async function answerTo(role: string, { up, room }: Ask, name: string): Promise<string> {
  const here = room ?? `${role} ${name}`
  const client = await RawClient.connect(relay.url)
  try {
    if (room === undefined) await openRoom(here)
    const joined = client.join(room === undefined ? here : `${role} ${room}`, {
      token: role,
      params: { as: role },
      ...(ROLES[role]?.observe && { observe: true }),
    })
    await Promise.race([joined, client.hears('closed')])
    // What a join brings, the access that follows it among that, is here.
    await client.pinged()
    const from = client.heard.length
    const message = up()
    client.say(message.type === 'join' ? { ...message, params: { as: role } } : message)
    if (message.type === 'hello') return String((await client.closed).code)
    // What has no answer has none before that of the next message.
    if (message.type !== 'ping') client.say({ type: 'ping', nonce: 6 })
    await client.hears('pong', ({ nonce }) => nonce === (message.type === 'ping' ? 5 : 6))
    const answer = await firstAnswer(client, from, message.type)
    return answer === undefined ? 'nothing' : answer.type === 'refused' ? answer.code : answer.type
  } finally {
    client.end()
  }
}

const UNANSWERED = ['leave', 'awareness']

async function firstAnswer(client: RawClient, from: number, type: string): Promise<Down | undefined> {
  const look = () => client.heard.slice(from).find((message) => type === 'ping' || message.type !== 'pong')
  const found = look()
  if (found || UNANSWERED.includes(type)) return found
  // The store answers later than a ping.
  const any = ['ack', 'staged', 'opened', 'leased', 'released', 'refused', 'caught-up', 'access', 'closed', 'joined']
  await Promise.race(any.map((expected) => client.hears(expected as Down['type'], undefined, from)))
  return look()
}

async function openRoom(room: string): Promise<void> {
  const writer = await RawClient.connect(relay.url)
  await writer.join(room, { token: 'writer' })
  await writer.open(record)
  writer.end()
}

describe('who may say what', () => {
  it('the table has a line for every message, and a column for every role', () => {
    expect(Object.keys(ANSWERS)).toEqual(Object.keys(MESSAGES))
    const said = new Set(Object.values(MESSAGES).map(({ up }) => up().type))
    expect([...said].sort()).toEqual(Object.keys(upCodecs).sort())
    for (const answers of Object.values(ANSWERS)) expect(answers).toHaveLength(Object.keys(ROLES).length)
  })

  describe.each(Object.keys(ROLES))('a %s', (role) => {
    const place = Object.keys(ROLES).indexOf(role)
    it.each(Object.entries(MESSAGES).map(([name, ask]) => [name, ANSWERS[name]?.[place] ?? '', ask] as const))(
      '%s: %s',
      async (name, expected, ask) => {
        expect(await answerTo(role, ask, name)).toBe(expected)
      },
    )
  })
})
