import { hashPrefix } from '@y-sealed/protocol'
import { expect } from 'vitest'
import type { Attack } from '../attack.ts'

/** B4. Who has state compares H at its cursor at each join. */
export const rollback: Attack = {
  id: 'B4',
  title: 'roll-back under members with state',
  done: 'the relay goes back to a copy of its store, made three edits ago',
  async run(scene) {
    const ada = await scene.member('Ada', { expects: ['rollback'] })
    const bob = await scene.member('Bob', { expects: ['rollback'] })
    await scene.write(ada)
    await scene.agree(ada, bob)
    const copy = scene.relay.room().shared.copy()
    await scene.write(bob)
    await scene.write(ada)
    await scene.write(bob)
    await scene.agree(ada, bob)
    scene.strike()
    scene.relay.room().shared = copy
    scene.relay.cut()
    await scene.notices(ada, 'rollback')
    await scene.notices(bob, 'rollback')
    await scene.agree(ada, bob, await scene.member('Carol'))
  },
}

/** B6. Every sealer is born with the history that it has seen. */
export const fork: Attack = {
  id: 'B6',
  title: 'fork: two histories for two members',
  done: 'the relay shows two members two histories, then lets an entry of one reach the other; then it heals',
  async run(scene) {
    const ada = await scene.member('Ada', { expects: ['fork', 'rollback'] })
    const bob = await scene.member('Bob', { expects: ['fork', 'rollback'] })
    await scene.write(ada)
    await scene.agree(ada, bob)
    const room = scene.relay.room()
    room.show('Bob', room.shared.copy())
    scene.relay.cut('Bob')
    await scene.until(() => bob.wire.sockets.length > 1 && bob.provider.synced, 'Bob to be back')
    await scene.write(ada)
    await scene.write(bob)
    scene.strike()
    scene.relay.cut('Bob')
    await scene.until(() => bob.wire.sockets.length > 2 && bob.provider.synced, 'Bob to be back again')
    await scene.write(bob)
    const crossing = scene.relay.session('Bob').history.entries.at(-1)
    if (crossing === undefined) throw new Error('Bob has written')
    room.shared.head?.add([crossing])
    room.changed(room.shared)
    await scene.notices(ada, 'fork')
    room.show('Bob', undefined)
    scene.relay.cut()
    await scene.agree(ada, bob)
  },
}

/** B11. An ack counts when its H fits what was sent, and only then does anything leave the outbox. */
export const falseAck: Attack = {
  id: 'B11',
  title: 'false acks',
  done: 'the relay acks an append that it has not stored, with an H of its own making; then one whose entries it stored and lost',
  async run(scene) {
    const ada = await scene.member('Ada', { expects: ['relay-fault', 'rollback'] })
    const bob = await scene.member('Bob', { expects: ['rollback'] })
    await scene.write(ada)
    await scene.agree(ada, bob)
    scene.strike()
    scene.relay.script = {
      up(message, session) {
        if (message.type !== 'append' || session === undefined || session.member !== 'Ada') return [message]
        const { channel, request, envelopes } = message
        const { sequence, hash = new Uint8Array(32) } = session.history
        const count = envelopes.length
        session.say({ type: 'ack', channel, request, sequence: sequence + count, count, hash: hashPrefix(hash) })
        return []
      },
    }
    scene.type(ada)
    let isSaved = false
    const saved = ada.provider.flush().then(() => {
      isSaved = true
    })
    await scene.until(() => isSaved || ada.problems.length > 0, 'Ada to hear of it')
    expect(isSaved, 'what was never stored counts as durable').toBe(false)
    await scene.notices(ada, 'relay-fault')
    scene.relay.script = {}
    await scene.pass(saved, 'it to be durable indeed')
    await scene.agree(ada, bob)
    const { shared } = scene.relay.room()
    const before = shared.sequence
    await scene.write(ada)
    scene.relay.room().shared = shared.cut(before)
    scene.relay.cut()
    await scene.agree(ada, bob, await scene.member('Carol'))
  },
}

/** B3. The first words of a session say how far it has seen, and so does each of its witnesses. */
export const withholding: Attack = {
  id: 'B3',
  title: 'withholding one member’s entries',
  done: 'the relay keeps all that Ada writes from Bob, and passes on only what Carol seals',
  async run(scene) {
    const ada = await scene.member('Ada', { expects: ['rollback'] })
    const bob = await scene.member('Bob', { expects: ['withheld', 'gap', 'rollback', 'fork'] })
    const carol = await scene.member('Carol', { expects: ['rollback'] })
    await scene.write(ada)
    await scene.agree(ada, bob, carol)
    const room = scene.relay.room()
    const { sequence } = room.shared
    room.show('Bob', room.shared.copy())
    scene.relay.cut('Bob')
    await scene.until(() => bob.wire.sockets.length > 1 && bob.provider.synced, 'Bob to be back')
    scene.strike()
    await scene.write(ada)
    await scene.until(() => carol.text.toString() === ada.text.toString(), 'Carol to have it')
    scene.relay.script = {
      up(message, session) {
        if (message.type === 'append' && session?.member === 'Carol') {
          const { head } = room.historyOf('Bob')
          head?.add(message.envelopes)
          room.changed(room.historyOf('Bob'))
        }
        return [message]
      },
    }
    // Sooner than Bob says himself what he has seen: then the two would be two histories, and `fork`.
    await scene.write(carol)
    await scene.notices(bob, 'withheld')
    expect(bob.provider.verified?.sequence ?? 0, 'what was withheld counts as seen by others').toBeLessThan(
      sequence + 1,
    )
    scene.relay.script = {}
    room.show('Bob', undefined)
    scene.relay.cut('Bob')
    await scene.agree(ada, bob, carol)
  },
}

/** B5. Who comes cold waits for somebody else's word before anything counts as verified. */
export const coldRollback: Attack = {
  id: 'B5',
  title: 'roll-back for somebody who has never been here',
  done: 'the relay shows a newcomer half of the log, then goes on with what the others write',
  async run(scene) {
    const ada = await scene.member('Ada', { expects: ['rollback'] })
    for (let time = 0; time < 4; time++) await scene.write(ada)
    const room = scene.relay.room()
    room.show('Carol', room.shared.cut(2))
    scene.strike()
    const carol = await scene.member('Carol', { expects: ['withheld', 'gap', 'rollback', 'fork'] })
    expect(carol.provider.verified, 'half of a log counts as verified').toBeUndefined()
    scene.relay.script = {
      up(message, session) {
        if (message.type === 'append' && session?.member !== 'Carol') {
          room.historyOf('Carol').head?.add(message.envelopes)
          room.changed(room.historyOf('Carol'))
        }
        return [message]
      },
    }
    const bob = await scene.writer('Bob')
    await scene.notices(carol, 'withheld')
    scene.relay.script = {}
    room.show('Carol', undefined)
    scene.relay.cut('Carol')
    await scene.agree(ada, bob, carol)
  },
}
