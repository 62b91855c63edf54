import type { Authorize, RelayOptions } from '@y-sealed/relay'
import { expect } from 'vitest'
import { keyEndpoint, SealedProvider } from 'y-sealed'
import * as Y from 'yjs'
import { FakeSealer, fakeRecord, RawClient } from '../../scenario/relay-raw-client.ts'
import type { Attack } from '../attack.ts'

/** Everybody with a name of ours may write, Rita may read, and strangers may not come in. */
const byName = (async (token: string) => {
  if (['Ada', 'Bob', 'Carol'].includes(token)) return { role: 'write', subject: token }
  return token === 'Rita' ? { role: 'read', subject: token } : null
}) as Authorize

const guarded = (limits: RelayOptions['limits'] = {}) => ({ auth: byName, relayLimits: limits })

/** E1. Who has not been let in may cost little. */
export const beforeAuth: Attack = {
  id: 'E1',
  title: 'memory before authorisation',
  done: '30 strangers each say hello and send half a megabyte of joins without a valid token',
  relay: 'ours',
  world: () => guarded(),
  async run(scene) {
    const ada = await scene.writer('Ada')
    scene.strike()
    const strangers = await Promise.all(Array.from({ length: 30 }, () => RawClient.connect(scene.world.relayUrl)))
    for (const stranger of strangers) {
      for (let channel = 1; channel <= 64 && stranger.close === undefined; channel++)
        stranger.say({
          ...{ type: 'join', channel, room: 'room', token: 'x'.repeat(8_000), params: {}, cursor: 0 },
          ...{ hash: new Uint8Array(0), observe: false },
        })
    }
    const isOver = (): boolean => strangers.every(({ close }) => close !== undefined)
    for (let time = 0; time < 200 && !isOver(); time++) await scene.settle()
    expect(isOver(), 'strangers are listened to').toBe(true)
    for (const stranger of strangers) stranger.end()
    await scene.write(ada)
    await scene.agree(ada, await scene.member('Bob'))
    scene.remark('30 of 30 connections ended')
  },
}

/** E2. Frames, channels and rooms have bounds. */
export const quotas: Attack = {
  id: 'E2',
  title: 'too much of everything',
  done: 'somebody sends a frame of 1.2 MB, and joins 101 rooms on one connection',
  relay: 'ours',
  async run(scene) {
    const ada = await scene.writer('Ada')
    scene.strike()
    const large = await RawClient.connect(scene.world.relayUrl)
    large.socket.send(new Uint8Array(1_200_000))
    expect((await scene.pass(large.closed, 'the end of it')).code).toBe(1009)
    const many = await RawClient.connect(scene.world.relayUrl)
    for (let channel = 1; channel <= 101; channel++)
      many.say({
        ...{ type: 'join', channel, room: `room-${channel}`, token: '', params: {}, cursor: 0 },
        ...{ hash: new Uint8Array(0), observe: false },
      })
    await scene.pass(many.pinged(), 'an answer')
    const isRefused = (): boolean => many.heard.some((message) => message.type === 'closed' && message.channel === 101)
    for (let time = 0; time < 100 && !isRefused(); time++) await scene.settle()
    expect(isRefused(), 'a connection has any number of channels').toBe(true)
    many.end()
    await scene.write(ada)
    await scene.agree(ada)
    scene.remark('1009; the 101st channel closed')
  },
}

/** E4. A page of another origin opens no connection. */
export const foreignOrigin: Attack = {
  id: 'E4',
  title: 'a page of another origin',
  done: 'a page at https://evil.example opens a WebSocket to the relay on this machine, cookies and all',
  relay: 'ours',
  async run(scene) {
    const ada = await scene.writer('Ada')
    scene.strike()
    const evil = new RawClient(scene.world.relayUrl, { origin: 'https://evil.example', cookie: 'session=of-the-user' })
    const outcome = await scene.pass(
      evil.opened().then(
        () => 'opened',
        (error: Error) => error.message,
      ),
      'an answer',
    )
    evil.end()
    expect(outcome, 'a foreign page was let in').toMatch(/403/)
    await scene.agree(ada)
    scene.remark('403 at the upgrade')
  },
}

/** E6. What a token allows is asked at each request. */
export const roles: Attack = {
  id: 'E6',
  title: 'a reader that writes',
  done: 'somebody with a token to read sends append, open, stage, lease, pause and compact',
  relay: 'ours',
  world: () => guarded(),
  async run(scene) {
    const ada = await scene.writer('Ada')
    scene.strike()
    const rita = await RawClient.connect(scene.world.relayUrl)
    const { records } = await rita.join('room', { token: 'Rita' })
    const envelope = new Uint8Array(new FakeSealer().seal())
    const answers = [
      await rita.append([envelope]),
      await rita.open(fakeRecord()),
      await rita.stage(rita.request(), [envelope]),
      await rita.lease(records[0] ?? fakeRecord()),
      await rita.pause(),
      await rita.compact(rita.request(), { sequence: 1, hash: new Uint8Array(32), checkpoint: new Uint8Array(32) }, [
        envelope,
      ]),
    ]
    rita.end()
    const codes = answers.map((answer) => (answer.type === 'refused' ? answer.code : answer.type))
    expect(codes, 'a reader may write').toEqual(answers.map(() => 'write-denied'))
    await scene.write(ada)
    await scene.agree(ada, await scene.member('Bob'))
    scene.remark('6 of 6 write-denied')
  },
}

/** A9. Nothing is compressed: sizes would tell contents, and a small frame could be a large one. */
export const compression: Attack = {
  id: 'A9',
  title: 'compression',
  done: 'a client offers permessage-deflate to the relay',
  relay: 'ours',
  async run(scene) {
    const ada = await scene.writer('Ada')
    scene.strike()
    const client = await RawClient.connect(scene.world.relayUrl)
    expect(client.socket.extensions, 'frames are compressed').toBe('')
    client.end()
    await scene.agree(ada)
    scene.remark('not taken')
  },
}

/** E8. Without TLS nothing leaves this machine. */
export const withoutTls: Attack = {
  id: 'E8',
  title: 'no TLS',
  done: 'an app is configured with ws: and http: to other machines',
  async run(scene) {
    const ada = await scene.writer('Ada')
    scene.strike()
    for (const url of ['ws://relay.example', 'ws://10.0.0.1:8787', 'ws://127.0.0.1.evil.example']) {
      const open = (): void => {
        new SealedProvider(url, 'room', new Y.Doc(), { keys: scene.world.keys, connect: false }).destroy()
      }
      expect(open, 'tokens and rooms cross a network in clear').toThrow(/loopback/)
    }
    for (const url of ['http://keys.example/keys', 'http://127.0.0.1.evil.example/keys'])
      expect(() => keyEndpoint(url), 'keys cross a network in clear').toThrow(TypeError)
    await scene.agree(ada)
    scene.remark('unsupported, before anything is opened')
  },
}

/** E5. Tokens and rooms are in frames, where no proxy logs them. */
export const tokenInUrl: Attack = {
  id: 'E5',
  title: 'tokens in URLs and logs',
  done: 'the relay keeps the request line and headers of every upgrade',
  async run(scene) {
    const token = scene.world.canary('token').replace('canary', 'token')
    scene.strike()
    const ada = await scene.writer('Ada', { token, room: 'a-room-name', params: { tenant: 'a-tenant' } })
    const upgrades = scene.relay.upgrades.join('\n')
    expect(upgrades.length).toBeGreaterThan(0)
    for (const secret of [token, 'a-room-name', 'a-tenant'])
      expect(upgrades.includes(secret), 'a proxy can log it').toBe(false)
    await scene.agree(ada)
    scene.remark('neither token nor room nor params')
  },
}
