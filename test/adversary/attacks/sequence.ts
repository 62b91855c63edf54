import { createSealer, EnvelopeKind, parseEpochRecord } from '@y-sealed/envelope'
import type { Down, Entry } from '@y-sealed/protocol'
import { expect } from 'vitest'
import * as Y from 'yjs'
import { answersDuring } from '../../support/impatient-user.ts'
import { below, seededRandom } from '../../support/random.ts'
import { keptKeys } from '../../support/removed-member.ts'
import type { Attack } from '../attack.ts'
import type { Scene } from '../scene.ts'

const NO_PROOF = new Uint8Array(0)

/** B1a. What was taken once is taken no more. */
export const logReplay: Attack = {
  id: 'B1a',
  title: 'replay of the log',
  done: 'the relay stores the whole log three times over, and sends it again and again, also after a reconnect',
  async run(scene) {
    const ada = await scene.member('Ada')
    for (let time = 0; time < 5; time++) await scene.write(ada)
    const { shared } = scene.relay.room()
    const thrice = shared.copy()
    thrice.head?.add(shared.entries)
    thrice.head?.add(shared.entries)
    scene.relay.room().show('Bob', thrice)
    scene.strike()
    const bob = await scene.member('Bob')
    await scene.agree(ada, bob)
    let updates = 0
    bob.doc.on('update', () => updates++)
    for (let time = 0; time < 3; time++) {
      scene.relay.script = { down: repeatEntries }
      scene.relay.cut('Bob')
      await scene.until(() => bob.wire.sockets.length > time + 1 && bob.provider.synced, 'Bob to be back')
      scene.relay
        .session('Bob')
        .receive({ type: 'read', channel: scene.relay.session('Bob').channel, request: 900, after: 0, to: 0 })
      await scene.settle()
    }
    expect(updates).toBe(0)
    expect(bob.problems).toEqual([])
    expect(bob.provider.counters).toMatchObject({ opened: 5, replayed: 10 })
    scene.remark('Bob counts 10 replayed, 0 updates of the document')
  },
}

function repeatEntries(message: Down): Down[] {
  return message.type === 'entries' ? [message, message, message] : [message]
}

/** B1b. An awareness state says under seal when it was made. */
export const awarenessReplay: Attack = {
  id: 'B1b',
  title: 'replay of awareness',
  done: 'the relay keeps the awareness of somebody who has left, and shows it six minutes later to somebody who comes',
  async run(scene) {
    const ada = await scene.member('Ada')
    const bob = await scene.member('Bob')
    await scene.write(ada)
    bob.provider.awareness.setLocalStateField('name', scene.world.canary('bob-name'))
    const id = bob.doc.clientID
    await scene.until(() => ada.provider.awareness.getStates().has(id), 'Ada to see Bob')
    const { number: session, awareness: envelope } = scene.relay.session('Bob')
    if (envelope === undefined) throw new Error('Bob has told his state')
    scene.leaves(bob)
    await scene.until(() => !ada.provider.awareness.getStates().has(id), 'Ada to see Bob leave')
    await scene.wait(6 * 60_000, 10_000)
    scene.strike()
    const carol = await scene.member('Carol')
    const { channel } = scene.relay.session('Carol')
    scene.relay.session('Carol').say({ type: 'awareness', channel, session, envelope })
    await scene.wait(1_000)
    expect(carol.provider.awareness.getStates().has(id), 'a ghost is shown').toBe(false)
    expect(carol.provider.counters['awareness-replayed']).toBeGreaterThan(0)
    scene.remark('Carol counts it as replayed and shows nobody')
  },
}

/** So many updates of one character by one sealer, as somebody's who has typed for an hour. */
async function typed(scene: Scene, count: number): Promise<{ entries: Entry[]; text: string }> {
  const head = scene.relay.room().shared.head
  if (head === undefined) throw new Error('there is an epoch')
  const keys = await keptKeys(scene.world, head.record)
  const sealer = await createSealer(keys, { epochIndex: parseEpochRecord(head.record).index })
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update) => void updates.push(update))
  for (let i = 0; i < count; i++) doc.getText('typed').insert(i, String.fromCharCode(97 + (i % 26)))
  const sequence = scene.relay.room().shared.sequence
  const birth = { sequence, hash: head.hashAt(sequence) }
  const entries = updates.flatMap((update, i) =>
    sealer
      .sealNow(EnvelopeKind.update, update, i === 0 ? { birth } : {})
      .map((envelope) => ({ proof: NO_PROOF, envelope })),
  )
  return { entries, text: doc.getText('typed').toString() }
}

/** B2a. Nothing reaches Yjs out of its sealer's order. */
export const shuffle: Attack = {
  id: 'B2a',
  isLong: true,
  title: 'reordering',
  done: 'the relay stores 5,000 updates of one character, shuffled in windows of 64 (seed "B2")',
  async run(scene) {
    const ada = await scene.writer('Ada')
    const { entries, text } = await typed(scene, 5_000)
    const random = seededRandom('B2')
    const shuffled = scene.relay.room().shared.copy()
    for (let at = 0; at < entries.length; at += 64) {
      const window = entries.slice(at, at + 64)
      for (let i = window.length - 1; i > 0; i--) {
        const j = below(random, i + 1)
        ;[window[i], window[j]] = [window[j] as Entry, window[i] as Entry]
      }
      shuffled.head?.add(window)
    }
    scene.relay.room().show('Bob', shuffled)
    scene.relay.room().shared.head?.add(entries)
    scene.relay.room().changed(scene.relay.room().shared)
    scene.strike()
    const bob = scene.person('Bob')
    let early = 0
    bob.doc.on('afterTransaction', () => {
      if (bob.doc.store.pendingStructs !== null) early++
    })
    const answers = await answersDuring(() => scene.pass(bob.provider.whenSynced, 'Bob to be synced'))
    expect(bob.doc.getText('typed').toString()).toBe(text)
    expect(early, 'updates reached Yjs before what they rest on').toBe(0)
    // Ten runs of 512 at least: the page is asked between them.
    expect(answers).toBeGreaterThan(10)
    await scene.until(() => ada.doc.getText('typed').toString() === text, 'Ada to have it too')
    await scene.agree(ada, bob)
    scene.remark('5,000 in order, none early')
  },
}

/** B2b. A sealer's counter that is left out is asked for, then told of; what stood behind it goes on. */
export const drop: Attack = {
  id: 'B2b',
  title: 'an envelope left out',
  done: 'the relay leaves one of a member’s entries out of the log that it shows another, with sequences and hashes that fit',
  async run(scene) {
    const ada = await scene.member('Ada')
    for (let time = 0; time < 4; time++) await scene.write(ada)
    const { shared } = scene.relay.room()
    scene.relay.room().show(
      'Bob',
      shared.retold((entry, sequence) => (sequence === 2 ? [] : [entry])),
    )
    scene.strike()
    const bob = scene.person('Bob', { expects: ['gap', 'rollback', 'fork'] })
    await scene.notices(bob, 'gap')
    await scene.pass(bob.provider.whenSynced, 'what stood behind the gap to go on')
    scene.relay.room().show('Bob', undefined)
    scene.relay.cut('Bob')
    await scene.agree(ada, bob)
  },
}

/** B10. Numbers of the relay's are compared with what was read, and nothing is made of their size. */
export const lyingSequences: Attack = {
  id: 'B10',
  title: 'lying sequence numbers',
  done: 'the relay lies about the sequences of entries, acks and heartbeats: huge, 2^53 − 1, falling, repeated (8 lies)',
  async run(scene) {
    const ada = await scene.member('Ada')
    const bob = await scene.member('Bob', { expects: ['relay-fault', 'gap', 'rollback', 'tampered', 'fork'] })
    await scene.write(ada)
    await scene.agree(ada, bob)
    scene.strike()
    for (const lie of lies) {
      const before = bob.provider.counters['relay-fault'] ?? 0
      const gaps = bob.provider.counters.gap ?? 0
      scene.relay.script = { down: (message, session) => [session.member === 'Bob' ? lie(message) : message] }
      scene.type(bob)
      await scene.write(ada)
      const { shared } = scene.relay.room()
      for (let time = 0; time < 3; time++) {
        await scene.wait(500)
        // Unless Bob has noticed already, and gone.
        for (const session of scene.relay.room().of('Bob')) {
          const { channel } = session
          const hash = (shared.hash as Uint8Array).slice(0, 8)
          session.say({ type: 'heartbeat', channel, sequence: shared.sequence, hash })
        }
      }
      await scene.until(
        () => (bob.provider.counters['relay-fault'] ?? 0) > before || (bob.provider.counters.gap ?? 0) > gaps,
        `Bob to notice lie ${lies.indexOf(lie) + 1}`,
      )
      scene.relay.script = {}
      await scene.agree(ada, bob)
      await scene.until(() => bob.provider.synced && scene.relay.room().of('Bob').length > 0, 'Bob to be back')
      expect(Number.isSafeInteger(bob.provider.counters.opened)).toBe(true)
    }
    scene.remark(`${lies.length} of ${lies.length} lies`)
  },
}

const HUGE = [2 ** 53 - 1, 2 ** 48, 1e6]

const lies: ((message: Down) => Down)[] = [
  ...HUGE.map(
    (first) =>
      (message: Down): Down =>
        message.type === 'entries' ? { ...message, first: first - message.entries.length } : message,
  ),
  ...[...HUGE, 1].map(
    (sequence) =>
      (message: Down): Down =>
        message.type === 'ack' ? { ...message, sequence, count: 1 } : message,
  ),
  (message) => (message.type === 'heartbeat' ? { ...message, sequence: 0 } : message),
]
