import { randomBytes } from 'node:crypto'
import { type Down, encodeFrame, parseDownFrame } from '@y-sealed/protocol'
import { encodeHeader } from '@y-sealed/protocol/header'
import { expect } from 'vitest'
import type { KeySource } from 'y-sealed'
import { answersDuring } from '../../support/impatient-user.ts'
import { below, pick, seededRandom } from '../../support/random.ts'
import type { Attack } from '../attack.ts'

/** Of y-protocols: sync step 1, sync step 2 with an update, an awareness query; and what is no frame of anything. */
const FOREIGN: readonly (Uint8Array | string)[] = [
  Uint8Array.of(0, 0, 1, 0),
  Uint8Array.of(0, 1, 2, 0, 0),
  Uint8Array.of(0, 2, 2, 0, 0),
  Uint8Array.of(3),
  Uint8Array.of(0),
  new Uint8Array(0),
  '{"type":"plaintext"}',
]

/** B9. The version is in the labels and fixed for an epoch: nothing about sealing is agreed with the relay. */
export const downgrade: Attack = {
  id: 'B9',
  title: 'downgrade',
  done: 'the relay speaks plain y-protocols, welcomes in versions that were not offered, and shows envelopes of 15 other versions',
  async run(scene) {
    const ada = await scene.member('Ada', { expects: ['relay-fault', 'update-required'] })
    const bob = await scene.member('Bob', { expects: ['tampered', 'rollback', 'relay-fault'] })
    await scene.write(ada)
    scene.strike()
    for (const [time, said] of FOREIGN.entries()) {
      scene.relay.blurt(said)
      await scene.until(() => ada.wire.sockets.length > time + 1 && ada.provider.synced, 'Ada to be back')
      await scene.agree(ada, bob)
      await scene.until(() => bob.provider.synced, 'Bob to be back')
    }
    await scene.notices(ada, 'relay-fault')
    for (const version of [2, 2 ** 31 - 1]) {
      const welcome = {
        version,
        limits: { maxFrameEnvelopeBytes: 1_048_576, maxAppendBytes: 1_048_576, maxChannels: 100 },
      }
      const sockets = ada.wire.sockets.length
      const faults = ada.provider.counters['relay-fault'] ?? 0
      scene.relay.welcome = welcome
      scene.relay.cut('Ada')
      await scene.until(() => ada.wire.sockets.length > sockets + 1, 'Ada to be welcomed')
      expect(ada.provider.synced, 'a version that was not offered is spoken').toBe(false)
      expect(ada.provider.counters['relay-fault'] ?? 0).toBeGreaterThan(faults)
      scene.type(ada)
      scene.relay.becomeHonest()
      await scene.agree(ada, bob)
    }
    const { shared } = scene.relay.room()
    const others = Array.from({ length: 16 }, (_, version) => version).filter((version) => version !== 1)
    scene.relay.room().show(
      'Carol',
      shared.retold((entry) => [
        ...others.map((version) => ({ ...entry, envelope: entry.envelope.with(0, (version << 4) | 1) })),
        entry,
      ]),
    )
    const carol = await scene.member('Carol', { expects: ['tampered', 'fork', 'rollback'] })
    expect(carol.provider.counters.tampered).toBe(others.length * shared.sequence)
    await scene.agree(ada, bob, carol)
  },
}

/** B12. What the relay says about the document can cost availability, never content, epoch or trust. */
export const controlWords: Attack = {
  id: 'B12',
  isLong: true,
  title: 'control messages of the relay’s own making',
  done: 'the relay says 150 random messages of all 23 kinds (seed "B12"), and 20 times in 10 s to look at the key endpoint',
  async run(scene) {
    let asked = 0
    const keys: KeySource = (request, options) => {
      asked++
      return scene.world.keys(request, options)
    }
    const ada = await scene.member('Ada')
    const bob = await scene.member('Bob', { keys, expects: EVERYTHING })
    await scene.write(ada)
    await scene.write(bob)
    await scene.agree(ada, bob)
    const { epoch } = bob.provider
    scene.strike()
    const askedBefore = asked
    const { channel } = scene.relay.session('Bob')
    for (let time = 0; time < 20; time++) {
      scene.relay.session('Bob').say({ type: 'recheck', channel })
      await scene.wait(500)
    }
    // Once for the nudge; the endpoint's own answer may make it two.
    expect(asked - askedBefore, 'the relay commands how often keys are asked for').toBeLessThan(4)
    const random = seededRandom('B12')
    let said = 0
    let length = bob.text.length
    bob.doc.on('update', () => {
      expect(bob.text.length, 'local text shrank').toBeGreaterThanOrEqual(length)
      length = bob.text.length
    })
    for (let time = 0; time < 150; time++) {
      const [session] = scene.relay.room().of('Bob')
      if (session === undefined) {
        bob.provider.connect()
        await scene.until(() => scene.relay.room().of('Bob').length > 0, 'Bob to join again')
        continue
      }
      session.say(randomMessage(random, session.channel))
      said++
      await scene.settle()
    }
    expect(said).toBeGreaterThan(100)
    expect(bob.provider.epoch?.keyHint, 'the epoch is the relay’s to choose').toBe(epoch?.keyHint)
    expect(bob.provider.epoch?.index).toBe(epoch?.index)
    // A minute and more have passed by then: a few looks at most.
    expect(asked - askedBefore).toBeLessThan(60)
    scene.relay.cut('Bob')
    bob.provider.connect()
    await scene.agree(ada, bob)
    scene.remark(`${asked - askedBefore} questions to the endpoint`)
  },
}

const EVERYTHING = [
  ...['relay-fault', 'gap', 'rollback', 'tampered', 'fork', 'withheld', 'key-mismatch', 'key-unknown', 'pruned'],
  ...['limit', 'write-denied', 'stale-epoch', 'authentication-failed', 'session-revoked', 'document-deleted'],
  ...['update-required', 'unsupported', 'auth-required', 'internal', 'member-fault', 'checkpoint-incomplete'],
]

/** Any message that the wire can carry: its fields are drawn until the codec takes them. */
function randomMessage(random: () => number, channel: number): Down {
  for (;;) {
    const id = 0x40 + below(random, 23)
    const body = Uint8Array.from({ length: below(random, 60) }, () => below(random, pick(random, [3, 128, 256])))
    const withChannel = Uint8Array.of(channel, ...body)
    try {
      const [message] = parseDownFrame(Uint8Array.of(id, withChannel.length, ...withChannel))
      if (message !== undefined && 'channel' in message && encodeFrame([message]).length > 0) return message
    } catch {
      // Another one.
    }
  }
}

const MAX_READS = 40

/** B13. Garbage costs a bounded number of questions and one event. */
export const garbage: Attack = {
  id: 'B13',
  isLong: true,
  title: 'garbage flood',
  done: 'the relay sends 10,000 random envelopes that nobody has sealed, into the log and as awareness',
  async run(scene) {
    const ada = await scene.writer('Ada')
    const { shared } = scene.relay.room()
    const salt = new Uint8Array(randomBytes(16))
    const flood = Array.from({ length: 5_000 }, (_, i) => ({
      proof: new Uint8Array(0),
      envelope: new Uint8Array(
        Buffer.concat([encodeHeader({ kind: 1, epochIndex: 0, salt, counter: i + 1 }), randomBytes(80)]),
      ),
    }))
    scene.relay.room().show(
      'Bob',
      shared.retold((entry) => [...flood, entry]),
    )
    scene.strike()
    const bob = scene.person('Bob', { expects: ['tampered', 'rollback', 'fork', 'gap'] })
    const reads = (): number => bob.wire.capture.messages('up', 1).filter(({ type }) => type === 'read').length
    const isOver = (): boolean => bob.provider.synced || reads() >= MAX_READS
    const answers = await answersDuring(() => scene.until(isOver, 'Bob to be synced'))
    // One question for each run of 512, not for each envelope.
    expect(reads(), 'questions that the garbage has caused').toBeLessThan(MAX_READS)
    expect(answers).toBeGreaterThan(10)
    for (let i = 0; i < flood.length; i++) {
      const session = scene.relay.room().of('Bob').at(-1)
      session?.say({
        type: 'awareness',
        channel: session.channel,
        session: 1_000 + i,
        envelope: (flood[i] as { envelope: Uint8Array }).envelope.with(0, 0x13),
      })
    }
    await scene.settle()
    expect(bob.problems.map(({ code }) => code)).toEqual(['tampered'])
    scene.relay.room().show('Bob', undefined)
    scene.relay.cut('Bob')
    await scene.write(ada)
    scene.type(bob)
    await scene.agree(ada, bob)
    scene.remark(`1 event, ${reads()} questions to the relay`)
  },
}
