import { createSealer, EnvelopeKind, encodeCheckpointBody, parseEpochRecord } from '@y-sealed/envelope'
import { expect } from 'vitest'
import type { KeySource } from 'y-sealed'
import * as Y from 'yjs'
import { forgedEntry, keptKeys } from '../../support/removed-member.ts'
import type { Person } from '../../support/world.ts'
import type { Attack } from '../attack.ts'
import { History } from '../relay/history.ts'
import type { Scene } from '../scene.ts'

const LAUNDERED = 'laundered'

/** The endpoint has got to know the record of the present epoch: what a cold member is told by it. */
async function untilPinned(scene: Scene, person: Person): Promise<void> {
  const keyHint = person.provider.epoch?.keyHint ?? null
  for (let time = 0; time < 100; time++) {
    const { record } = (await scene.world.keys({ documentId: 'room', keyHint })) as { record?: unknown }
    if (typeof record === 'string') return
    await scene.settle()
  }
  throw new Error('waited in vain for the endpoint to know the record')
}

async function rotated(scene: Scene, by: Person, others: readonly Person[]): Promise<void> {
  await scene.pass(by.provider.rotateKey(), 'the rotation')
  const index = by.provider.epoch?.index ?? 0
  for (const other of others)
    await scene.until(() => (other.provider.epoch?.index ?? -1) >= index, `${other.name} to be in the new epoch`)
}

/** What a removed member can still seal: an entry of the first epoch, with words of its own. */
async function forgeryOf(scene: Scene, history: History): Promise<Awaited<ReturnType<typeof forgedEntry>>['entry']> {
  const [first] = history.epochs
  if (first === undefined) throw new Error('there is an epoch')
  const log = first.entries.map(({ proof, envelope }, i) => ({ sequence: first.after + i + 1, proof, envelope }))
  const { entry } = await forgedEntry(await keptKeys(scene.world, first.record), first.record, log, LAUNDERED)
  return entry
}

const forgedText = ({ doc }: Person): string => doc.getText('forged').toString()

/** C1a. An envelope is opened with the keys of the epoch in whose log it stands, and with no others. */
export const afterRemoval: Attack = {
  id: 'C1a',
  title: 'a removed member writes behind the new epoch',
  done: 'the relay puts an entry that a removed member has sealed with its old key into the log of the new epoch',
  async run(scene) {
    const ada = await scene.member('Ada')
    const bob = await scene.member('Bob', { expects: ['tampered', 'rollback'] })
    await scene.write(ada)
    await scene.agree(ada, bob)
    await rotated(scene, ada, [bob])
    await scene.write(ada)
    const room = scene.relay.room()
    const forged = await forgeryOf(scene, room.shared)
    scene.strike()
    const slipped = room.shared.copy()
    slipped.head?.add([forged])
    room.show('Bob', slipped)
    room.show('Carol', slipped)
    scene.relay.cut('Bob')
    const carol = await scene.member('Carol', { expects: ['tampered', 'rollback'] })
    await scene.notices(bob, 'tampered')
    await scene.notices(carol, 'tampered')
    expect([forgedText(bob), forgedText(carol)], 'what a removed member sealed was read').toEqual(['', ''])
    room.show('Bob', undefined)
    room.show('Carol', undefined)
    scene.relay.cut()
    await scene.agree(ada, bob, carol)
  },
}

/** C1b. A member that was shown another history than the one that the new epoch follows carries none of it over. */
export const laundering: Attack = {
  id: 'C1b',
  title: 'a removed member writes before the new epoch, for one member alone',
  done: 'the relay hides the new epoch from one member, shows it an entry of the removed one, then shows it the new epoch',
  async run(scene) {
    const ada = await scene.member('Ada')
    const bob = await scene.member('Bob', { expects: ['fork', 'withheld', 'rollback', 'relay-fault', 'key-rotated'] })
    await scene.write(ada)
    await scene.write(bob)
    await scene.agree(ada, bob)
    const room = scene.relay.room()
    const alone = room.shared.copy()
    alone.head?.add([await forgeryOf(scene, room.shared)])
    room.show('Bob', alone)
    scene.relay.cut('Bob')
    await scene.until(() => forgedText(bob) === LAUNDERED, 'Bob to be shown the forgery')
    await rotated(scene, ada, [])
    await scene.write(ada)
    scene.strike()
    room.show('Bob', undefined)
    scene.relay.cut('Bob')
    await scene.notices(bob, 'fork')
    await scene.until(() => bob.provider.epoch?.index === 1 && bob.provider.synced, 'Bob to be in the new epoch')
    await scene.write(bob)
    const carol = await scene.member('Carol')
    expect([forgedText(ada), forgedText(carol)], 'the forgery was laundered').toEqual(['', ''])
    await scene.agree(ada, carol)
    await scene.until(() => !scene.lacks(bob), 'Bob to have all that was typed')
  },
}

/** C1c. A checkpoint is named by its hash in the record, and is opened with the keys of its epoch. */
export const foreignCheckpoint: Attack = {
  id: 'C1c',
  title: 'a removed member’s checkpoint begins the new epoch',
  done: 'the relay serves, as the checkpoint that the new epoch began with, one that a removed member has sealed',
  async run(scene) {
    const ada = await scene.member('Ada')
    const bob = await scene.member('Bob')
    await scene.write(ada)
    await scene.agree(ada, bob)
    const room = scene.relay.room()
    const old = room.shared.head?.record
    if (old === undefined) throw new Error('there is an epoch')
    await rotated(scene, ada, [])
    await scene.write(ada)
    const keys = await keptKeys(scene.world, old)
    const doc = new Y.Doc()
    doc.getText('forged').insert(0, LAUNDERED)
    const sealer = await createSealer(keys, { epochIndex: parseEpochRecord(old).index, wire: false })
    const manifest = {
      sequence: 1,
      hash: new Uint8Array(32).fill(1),
      previous: undefined,
      digest: new Uint8Array(32),
      unixMs: scene.clock.now(),
    }
    const body = encodeCheckpointBody(manifest, Y.encodeStateAsUpdate(doc))
    const chunks = await sealer.seal(EnvelopeKind.checkpoint, body)
    scene.strike()
    scene.relay.script = {
      down: (message, session) =>
        session.member === 'Carol' && message.type === 'checkpoint'
          ? [{ ...message, first: 1, total: chunks.length, chunks }]
          : [message],
    }
    const carol = scene.person('Carol', { expects: ['tampered', 'relay-fault', 'withheld'] })
    await scene.until(() => carol.problems.length > 0 || carol.provider.synced, 'Carol to be told something')
    expect(carol.provider.synced, 'the false checkpoint was begun with').toBe(false)
    expect(forgedText(carol)).toBe('')
    scene.relay.becomeHonest()
    scene.relay.cut('Carol')
    await scene.agree(ada, bob, carol)
  },
}

/** C2. An endpoint that has been told of an epoch's record says so to who comes cold. */
export const staleEpoch: Attack = {
  id: 'C2',
  title: 'an old epoch, shown as if it were the present one',
  done: 'the relay hides the newest epoch from somebody who has never been here; the old key is still to be had',
  async run(scene) {
    const ada = await scene.writer('Ada')
    await rotated(scene, ada, [])
    await scene.write(ada)
    await untilPinned(scene, ada)
    const room = scene.relay.room()
    room.show('Carol', room.shared.before(1))
    scene.strike()
    const carol = scene.person('Carol', { expects: ['rollback'], connect: false })
    let wasSynced = false
    carol.provider.on('sync', (isSynced: boolean) => {
      wasSynced ||= isSynced
    })
    scene.type(carol)
    carol.provider.connect()
    await scene.notices(carol, 'rollback')
    expect(wasSynced, 'an epoch that is over was shown as complete').toBe(false)
    expect(room.historyOf('Carol').sequence, 'something was written under a key that is retired').toBe(1)
    room.show('Carol', undefined)
    scene.relay.cut('Carol')
    await scene.agree(ada, carol)
  },
}

/** C4. "There is nothing" is no reason to begin anew where the endpoint knows better. */
export const nothingHere: Attack = {
  id: 'C4',
  title: 'a document that is said not to exist',
  done: 'the relay says to 10 members, some of whom were here before, that there is no epoch',
  async run(scene) {
    let asked = 0
    const keys: KeySource = (request, options) => {
      if (request.keyHint === null) asked++
      return scene.world.keys(request, options)
    }
    const ada = await scene.writer('Ada', { keys, expects: ['rollback'] })
    await untilPinned(scene, ada)
    const room = scene.relay.room()
    const { shared } = room
    const before = asked
    scene.strike()
    room.shared = new History()
    scene.relay.cut()
    const cold = Array.from({ length: 9 }, (_, i) => scene.person(`Cold ${i}`, { keys, expects: ['rollback'] }))
    for (const person of [ada, ...cold])
      await scene.until(() => person.problems.length > 0 || room.shared.epochs.length > 0, `${person.name} to be told`)
    expect(room.shared.epochs.length, 'a blank document took the place of the other').toBe(0)
    expect(cold.filter(({ provider }) => provider.synced)).toEqual([])
    for (const person of [ada, ...cold]) await scene.notices(person, 'rollback')
    expect(asked - before).toBeLessThanOrEqual(20)
    room.shared = shared
    scene.relay.cut()
    await scene.agree(ada, ...cold)
    scene.remark(`${asked - before} questions for a key to begin with`)
  },
}

/** C6. A record is made by who holds the keys of its epoch, and linked by who held those of the one before. */
export const forgedTransition: Attack = {
  id: 'C6',
  title: 'forged epoch records',
  done: 'the relay shows the next epoch’s record with a bit changed, at a place in every 16 bytes and in both tags, and one that leaves out the record between',
  async run(scene) {
    const ada = await scene.member('Ada')
    // One that keeps no records: else it contradicts each of them, and the tags are not all that there is.
    const keys: KeySource = async (request, options) => ({
      ...((await scene.world.keys(request, options)) as object),
      record: undefined,
    })
    const bob = await scene.member('Bob', {
      keys,
      expects: [
        'relay-fault',
        'key-mismatch',
        'key-unknown',
        'unsupported',
        'fork',
        'rollback',
        'key-rotated',
        'key-invalid',
        'withheld',
      ],
    })
    await scene.write(ada)
    await scene.agree(ada, bob)
    const room = scene.relay.room()
    room.show('Bob', room.shared.copy())
    scene.relay.cut('Bob')
    await scene.until(() => bob.wire.sockets.length > 1 && bob.provider.synced, 'Bob to be back')
    await rotated(scene, ada, [])
    await rotated(scene, ada, [])
    await scene.write(ada)
    const [, first, second] = room.shared.epochs
    if (first === undefined || second === undefined) throw new Error('there are three epochs')
    scene.strike()
    const { length } = first.record
    // The tags are 64 bytes at the end: each of these is hit.
    const places = [...Array.from({ length: Math.floor(length / 16) }, (_, i) => i * 16), length - 40, length - 1]
    const lies = [...places.map((at) => [first.record.with(at, (first.record[at] ?? 0) ^ 1)]), [second.record]]
    const before = room.historyOf('Bob')
    for (const records of lies) {
      const told = bob.wire.capture.messages('down').length
      const lie = before.copy()
      // With all that the true one has: every H fits, and under the true keys it opens.
      for (const record of records) {
        const told = lie.open(record)
        for (const { place, chunks } of first.checkpoints) told.keep(chunks, told.after + place.sequence - first.after)
        told.add(first.entries)
      }
      room.show('Bob', lie)
      scene.relay.cut('Bob')
      bob.provider.connect()
      await scene.until(() => bob.wire.capture.messages('down').length > told, 'Bob to join')
      // Keys are asked for in vain a few times a minute: each lie is to be looked at.
      await scene.wait(61_000, 5_000)
      expect(bob.provider.epoch?.index, 'a forged record was followed').toBe(0)
    }
    room.show('Bob', undefined)
    scene.relay.cut('Bob')
    bob.provider.connect()
    await scene.agree(ada, bob)
    expect(bob.provider.epoch?.index).toBe(2)
    scene.remark(`${lies.length} of ${lies.length} refused`)
  },
}
