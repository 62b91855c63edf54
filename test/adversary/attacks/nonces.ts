import { deflateRawSync } from 'node:zlib'
import { EnvelopeKind, parseHeader } from '@y-sealed/protocol/header'
import { expect } from 'vitest'
import * as Y from 'yjs'
import type { Attack } from '../attack.ts'
import type { Scene } from '../scene.ts'

const saltOf = (envelope: Uint8Array): string => Buffer.from(parseHeader(envelope).salt).toString('hex')

/** What the relay has stored of what people typed; witnesses are padded to one length, and made when they are due. */
const stored = (scene: Scene, room = 'room'): Uint8Array[] =>
  scene.relay
    .room(room)
    .shared.entries.map(({ envelope }) => envelope)
    .filter((envelope) => parseHeader(envelope).kind === EnvelopeKind.update)
const bodyOf = (envelope: Uint8Array): Uint8Array => envelope.subarray(parseHeader(envelope).headerBytes)

/** A3. Salts are drawn for each connection, from more than the random source; counters live in memory only. */
export const nonceReuse: Attack = {
  id: 'A3',
  isLong: true,
  title: 'nonces used twice',
  done: 'the relay breaks the connection 50 times while somebody types; the random source of the machine always gives the same',
  async run(scene) {
    const ada = await scene.member('Ada')
    const bob = await scene.member('Bob')
    const { getRandomValues } = crypto
    Object.defineProperty(crypto, 'getRandomValues', {
      configurable: true,
      value: <Values extends Uint8Array>(values: Values): Values => values.fill(7),
    })
    try {
      scene.strike()
      for (let time = 0; time < 50; time++) {
        scene.relay.cut('Ada')
        await scene.until(() => ada.wire.sockets.length > time + 1, 'the next connection')
        scene.type(ada)
        await scene.pass(ada.provider.flush(), 'the edit to be durable')
        scene.world.audit.assertClean()
      }
    } finally {
      Object.defineProperty(crypto, 'getRandomValues', { configurable: true, value: getRandomValues })
    }
    await scene.agree(ada, bob)
    const salts = new Set(stored(scene).map(saltOf))
    expect(salts.size).toBe(50)
    scene.remark(`50 connections, 50 salts, ${scene.world.audit.observed} nonces, none twice`)
  },
}

/** A4. A subkey for each session, and for no longer than an hour: no nonce is ever drawn. */
export const longLivedKey: Attack = {
  id: 'A4',
  isLong: true,
  title: 'one key for too many messages',
  done: 'the relay keeps one connection open for hours while somebody types',
  async run(scene) {
    const ada = await scene.member('Ada')
    const bob = await scene.member('Bob')
    scene.strike()
    for (let hour = 0; hour < 2; hour++) {
      await scene.write(ada)
      await scene.write(ada)
      await scene.wait(3_600_000, 14_000)
    }
    await scene.write(ada)
    expect(ada.wire.sockets).toHaveLength(1)
    expect(new Set(stored(scene).map(saltOf)).size).toBe(3)
    await scene.agree(ada, bob)
    scene.remark('a new salt and subkey each hour, on the same connection')
  },
}

/** The longest piece that two byte strings share, as far as pieces of 8 bytes tell. */
function sharePiece(one: Uint8Array, other: Uint8Array): boolean {
  const hay = Buffer.from(other)
  for (let at = 0; at + 8 <= one.length; at++) if (hay.includes(Buffer.from(one.subarray(at, at + 8)))) return true
  return false
}

/** A8. Nothing that is public is derived from what is written. */
export const equality: Attack = {
  id: 'A8',
  title: 'equal texts, told by equal bytes',
  done: 'the relay compares what it stores while the same edit is made again, in another session and in another document',
  async run(scene) {
    const phrase = scene.world.canary('the-same-phrase-again-and-again')
    const write = async (room: string): Promise<void> => {
      const doc = new Y.Doc()
      doc.clientID = 7
      const ada = await scene.member('Ada', { room, doc, isHonest: false })
      ada.doc.getText('other').insert(0, phrase)
      await scene.pass(ada.provider.flush(), 'the phrase to be durable')
      ada.provider.destroy()
    }
    scene.strike()
    await write('room')
    // The relay forgets the first, so that the second is made exactly as it was.
    const first = stored(scene)
    scene.relay.room().shared = scene.relay.room().shared.cut(0)
    await write('room')
    await write('room-2')
    const all = [...first, ...stored(scene), ...stored(scene, 'room-2')]
    expect(all).toHaveLength(3)
    const bodies = all.map(bodyOf)
    for (const [i, body] of bodies.entries())
      for (const other of bodies.slice(i + 1))
        expect(sharePiece(body, other), 'equal texts make equal bytes').toBe(false)
    scene.remark('no 8 bytes in common')
  },
}

/** A1. There is no mode without sealing: text, names and keys of maps are nowhere that the relay can see. */
export const plaintext: Attack = {
  id: 'A1',
  title: 'plaintext at the relay',
  done: 'the relay keeps every byte of text, names, map keys and formats that it is sent, and searches in 9 encodings',
  async run(scene) {
    const ada = await scene.member('Ada')
    const bob = await scene.member('Bob')
    scene.strike()
    ada.provider.awareness.setLocalStateField('user', { name: scene.world.canary('user-name') })
    ada.doc.getMap(scene.world.canary('root')).set(scene.world.canary('map-key'), scene.world.canary('value'))
    ada.text.insert(0, `${scene.world.canary('bold')} `, { [scene.world.canary('format')]: true })
    for (let time = 0; time < 20; time++) await scene.write(ada)
    await scene.agree(ada, bob)
    await scene.until(() => bob.provider.awareness.getStates().size === 2, 'Bob to see Ada')
    const ciphertext = Buffer.concat(stored(scene).map(bodyOf))
    // Text deflates to a half and less; what is sealed cannot be made smaller.
    expect(deflateRawSync(ciphertext).length / ciphertext.length).toBeGreaterThan(0.98)
    scene.remark(`${ciphertext.length} sealed bytes, nothing to compress`)
  },
}
