import { expect } from 'vitest'
import { type KeySource, keyEndpoint, SealedProvider } from 'y-sealed'
import * as Y from 'yjs'
import type { Attack } from '../attack.ts'
import { listen } from '../listen.ts'
import { History } from '../relay/history.ts'

/** C7. Keys are asked for where the app says, and nowhere else. */
export const redirect: Attack = {
  id: 'C7',
  title: 'another endpoint in place of yours',
  done: 'the endpoint redirects to a stranger, in 4 ways; the relay names a key endpoint in all its texts',
  async run(scene) {
    const stranger: string[] = []
    const evil = await listen((request, response) => {
      stranger.push(request.url ?? '')
      response.end(JSON.stringify({ key: 'the-stranger-has-given-this-key-0123456789', keyHint: '' }))
    })
    let status = 0
    const redirecting = await listen((_, response) => {
      response.writeHead(status, { location: evil.url })
      response.end()
    })
    try {
      const ada = await scene.writer('Ada')
      scene.strike()
      for (status of [301, 302, 307, 308]) {
        const keys = keyEndpoint(redirecting.url)
        const bob = scene.person(`Bob ${status}`, {
          keys,
          room: `room-${status}`,
          expects: ['key-unavailable'],
          isHonest: false,
        })
        scene.type(bob)
        await scene.until(() => bob.problems.length > 0 || bob.provider.synced, 'Bob to be told')
        expect(stranger, 'a stranger was asked for a key').toEqual([])
        await scene.notices(bob, 'key-unavailable')
        bob.provider.destroy()
      }
      const { channel } = scene.relay.session('Ada')
      scene.relay
        .session('Ada')
        .say({ type: 'refused', channel, request: 0, code: 'internal', detail: `keys are at ${evil.url}` })
      scene.relay.session('Ada').say({ type: 'recheck', channel })
      await scene.wait(1_000)
      expect(
        () =>
          new SealedProvider('ws://relay.example', 'room', new Y.Doc(), {
            keys: async () => ({ key: '' }),
            connect: false,
          }),
      ).toThrow(/ws:|insecure|loopback/i)
      expect(stranger).toEqual([])
      await scene.agree(ada)
      scene.remark('0 requests to the stranger')
    } finally {
      await Promise.all([evil.close(), redirecting.close()])
    }
  },
}

/** What a page of another origin can have a browser send without asking first, cookies and all; and what it asks first for. */
const FROM_A_PAGE: readonly RequestInit[] = [
  { method: 'POST', headers: { 'content-type': 'text/plain' } },
  { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
  { method: 'POST', headers: { 'content-type': 'application/json', origin: 'https://evil.example' } },
  { method: 'OPTIONS', headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' } },
  { method: 'GET' },
]

/** C8. A key is made by who may ask for one, and not by whoever has a browser of theirs ask. */
export const crossSite: Attack = {
  id: 'C8',
  title: 'a page of another origin asks for keys',
  done: `a page at https://evil.example has a signed-in user’s browser send ${FROM_A_PAGE.length} requests to the key endpoint`,
  relay: 'ours',
  async run(scene) {
    const ada = await scene.writer('Ada')
    scene.strike()
    const body = JSON.stringify({ documentId: 'never-opened', keyHint: null })
    for (const { headers, ...request } of FROM_A_PAGE) {
      const answer = await fetch(scene.world.keysUrl, {
        ...request,
        headers: { ...headers, cookie: 'session=of-the-user' },
        ...(request.method === 'POST' && { body }),
      })
      expect(answer.ok, 'a page was answered').toBe(false)
      expect(answer.headers.get('cache-control')).toBe('no-store')
    }
    expect(await scene.world.keyAct('list', {}, 'never-opened')).toEqual({ keys: [] })
    await scene.agree(ada)
    scene.remark(`${FROM_A_PAGE.length} of ${FROM_A_PAGE.length} refused, no key made`)
  },
}

/** C9. A message names no place to go to: whatever looks like one is a text. */
export const forgedRequests: Attack = {
  id: 'C9',
  title: 'URLs in what the relay says',
  done: 'the relay puts the URL of a stranger on this machine in place of the hint, and into every text that it can send',
  async run(scene) {
    const asked: string[] = []
    const stranger = await listen((request, response) => {
      asked.push(request.url ?? '')
      response.end()
    })
    try {
      const ada = await scene.writer('Ada', { expects: ['internal', 'session-revoked'] })
      const hints: (string | null)[] = []
      const keys: KeySource = (request, options) => {
        hints.push(request.keyHint)
        return scene.world.keys(request, options)
      }
      const room = scene.relay.room()
      const record = Buffer.from(room.shared.head?.record ?? [])
      const hint = Buffer.from(ada.provider.epoch?.keyHint ?? '')
      const at = record.indexOf(hint)
      const url = Buffer.from(`${stranger.url}/hint`)
      const told = new History()
      const length = Buffer.from([url.length >> 8, url.length & 255])
      const renamed = [record.subarray(0, at - 2), length, url, record.subarray(at + hint.length)]
      told.open(new Uint8Array(Buffer.concat(renamed)))
      room.show('Bob', told)
      scene.strike()
      const bob = scene.person('Bob', {
        keys,
        expects: ['key-unknown', 'key-unavailable', 'key-invalid', 'key-mismatch'],
      })
      await scene.until(() => bob.problems.length > 0, 'Bob to be told something')
      expect(asked, 'a stranger was asked for what the relay has named').toEqual([])
      expect(hints).toContain(`${stranger.url}/hint`)
      const session = scene.relay.session('Ada')
      const { channel } = session
      session.say({ type: 'refused', channel, request: 0, code: 'internal', detail: `${stranger.url}/refused` })
      session.say({ type: 'closed', channel, code: 4500, reason: `${stranger.url}/closed` })
      await scene.wait(1_000)
      expect(asked).toEqual([])
      room.show('Bob', undefined)
      scene.relay.cut()
      ada.provider.connect()
      bob.provider.connect()
      await scene.agree(ada, bob)
      scene.remark('0 requests to the stranger')
    } finally {
      await stranger.close()
    }
  },
}
