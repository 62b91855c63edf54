import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { difference } from '../../../packages/provider/src/log-state/difference.ts'
import { areEqual } from '../../support/convergence.ts'
import { docWith, GuardedReader, updateOf } from '../../support/guarded-reader.ts'
import { below, pick, seededRandom } from '../../support/random.ts'
import { garbage, rawUpdate, text } from '../../support/raw-update.ts'
import { changeSomehow } from './change-somehow.ts'

const SHARED = 7

/** Members of a room, and the log that they share. */
class Room {
  readonly log: Uint8Array[] = []
  readonly members: GuardedReader[] = []
  readonly #read = new Map<GuardedReader, number>()
  readonly #own = new Map<GuardedReader, Set<Uint8Array>>()

  join(doc = new Y.Doc()): GuardedReader {
    const member = new GuardedReader(doc)
    this.members.push(member)
    this.#own.set(member, new Set())
    return member
  }

  /** Everything of the log that this member has not read yet. */
  read(member: GuardedReader): void {
    for (let at = this.#read.get(member) ?? 0; at < this.log.length; at++) {
      this.#read.set(member, at + 1)
      const update = this.log[at] as Uint8Array
      if (this.#own.get(member)?.has(update)) member.acked(update)
      else member.take(update, { sequence: at + 1 })
    }
  }

  /** What this member has and the log lacks; it has read the log. */
  publish(member: GuardedReader): void {
    this.read(member)
    const update = difference(member.doc, member.logState)
    if (update === undefined) return
    this.#own.get(member)?.add(update)
    this.log.push(update)
    this.read(member)
  }

  /** Until nobody has anything to say. */
  settle(): void {
    for (let before = -1; before !== this.log.length; ) {
      before = this.log.length
      for (const member of this.members) this.publish(member)
    }
    for (const member of this.members) this.read(member)
  }
}

function expectOne(room: Room): void {
  const cold = room.join()
  room.read(cold)
  expect(areEqual(room.members.map(({ doc }) => doc))).toBe(true)
  for (const member of room.members) {
    expect(member.text).toBe(cold.text)
    expect(difference(member.doc, member.logState)).toBeUndefined()
    expect(member.doc.store.pendingStructs).toBeNull()
  }
}

const type = ({ doc }: GuardedReader, words: string, at = 0): void => doc.getText('text').insert(at, words)

describe('D6: two documents with one client id', () => {
  it('the attack, or the accident: Yjs alone ends with two texts and equal state vectors', () => {
    const [ada, bob] = [docWith(SHARED), docWith(SHARED)]
    ada.getText('text').insert(0, 'AAAA')
    bob.getText('text').insert(0, 'BBBB')
    Y.applyUpdate(bob, Y.encodeStateAsUpdate(ada))
    Y.applyUpdate(ada, Y.encodeStateAsUpdate(bob))
    expect(Y.encodeStateVector(ada)).toEqual(Y.encodeStateVector(bob))
    expect(ada.getText('text').toString()).not.toBe(bob.getText('text').toString())
  })

  it('both write offline and come back: all of both is there for all, and the second one goes on under another id', () => {
    const room = new Room()
    const ada = room.join(docWith(SHARED))
    const bob = room.join(docWith(SHARED))
    type(ada, 'AAAA')
    type(bob, 'BBBB')
    type(bob, '22', 2)
    room.publish(ada)
    let seen = 0
    bob.doc.getText('text').observe((event) => {
      // What was written here is not taken away and put back: to an editor only the other's words are new.
      for (const { insert, delete: gone } of event.delta) {
        expect(gone).toBeUndefined()
        if (insert !== undefined) seen += String(insert).length
      }
    })
    room.publish(bob)
    expect(seen).toBe(4)
    room.settle()
    expectOne(room)
    expect([ada.text.includes('AAAA'), ada.text.includes('BB22BB')]).toEqual([true, true])
    expect([ada.faults, bob.faults.length]).toEqual([[], 1])
    expect(bob.doc.clientID).not.toBe(ada.doc.clientID)
    type(bob, 'more of Bob. ')
    type(ada, 'more of Ada. ')
    room.settle()
    expectOne(room)
    expect(bob.faults.length).toBe(1)
  })

  it('online: whoever only hears of the other takes another id before writing', () => {
    const room = new Room()
    const ada = room.join(docWith(SHARED))
    const bob = room.join(docWith(SHARED))
    type(ada, 'one')
    room.settle()
    type(bob, 'two')
    type(ada, 'three')
    room.settle()
    expectOne(room)
    expect(ada.text).toHaveLength('onetwothree'.length)
    expect([ada.faults, bob.faults]).toEqual([[], []])
  })

  it('one uses ids ahead of those that the other has reached: the other leaves them alone', () => {
    const room = new Room()
    const bob = room.join(docWith(SHARED))
    type(bob, 'Bob')
    room.settle()
    room.log.push(rawUpdate([{ client: SHARED, clock: 10, structs: [text('ahead')] }]))
    room.read(bob)
    expect(bob.doc.clientID).not.toBe(SHARED)
    type(bob, ' and more words than there was room for', 3)
    room.settle()
    expect(bob.text).toBe('Bob and more words than there was room for')
    expect(difference(bob.doc, bob.logState)).toBeUndefined()
    const cold = room.join()
    room.read(cold)
    expect(cold.text).toBe(bob.text)
  })

  it('whatever both do under one id, again and again, nobody loses a word and all end alike (20 seeds)', () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = seededRandom(`D6-${seed}`)
      const room = new Room()
      const third = room.join()
      const written: string[] = []
      for (let round = 0; round < 4; round++) {
        const pair = [room.join(docWith(SHARED + round)), room.join(docWith(SHARED + round))]
        if (round > 0) for (const member of pair) if (below(random, 2) === 0) room.read(member)
        for (const [who, member] of [...pair, third].entries()) {
          for (let i = below(random, 4); i >= 0; i--) {
            const word = `<${seed}.${round}.${who}.${i}>`
            const ytext = member.doc.getText('text')
            // At word borders only: a word in the middle of another is there, and not found.
            const places = [0, ...[...ytext.toString().matchAll(/>/g)].map(({ index }) => index + 1)]
            ytext.insert(pick(random, places), word)
            written.push(word)
          }
        }
        for (const member of [...pair, third].sort(() => random() - 0.5)) room.publish(member)
        room.settle()
      }
      expectOne(room)
      for (const word of written) expect(third.text.split(word).length, `${word} in ${third.text}`).toBe(2)
    }
  })

  it('and the same with maps, elements and what stands in them, while something of it is left to compare: all end alike (20 seeds)', () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = seededRandom(`D6-types-${seed}`)
      const room = new Room()
      // What is garbage on both sides tells nobody whether it was the same once.
      const pair = [0, 1].map(() => {
        const doc = new Y.Doc({ gc: false })
        doc.clientID = SHARED
        return room.join(doc)
      })
      for (let round = 0; round < 3; round++) {
        for (const member of pair) for (let i = 0; i < 8; i++) changeSomehow(member.doc, random)
        for (const member of pair) room.publish(member)
        room.settle()
      }
      expectOne(room)
    }
  })

  it('what another member has put into the first one’s paragraph stays there', () => {
    const room = new Room()
    const ada = room.join(docWith(SHARED))
    const carl = room.join()
    const bob = room.join(docWith(SHARED))
    ada.doc.getXmlFragment('xml').insert(0, [new Y.XmlText('Ada’s')])
    bob.doc.getXmlFragment('xml').insert(0, [new Y.XmlText('Bob’s')])
    room.publish(ada)
    room.read(carl)
    ;(carl.doc.getXmlFragment('xml').get(0) as Y.XmlText).insert(0, 'Carl in ')
    room.publish(carl)
    room.settle()
    expectOne(room)
    const words = bob.doc.getXmlFragment('xml').toString()
    expect([words.includes('Carl in Ada’s'), words.includes('Bob’s')]).toEqual([true, true])
  })
})

describe('D4: somebody who takes the ids of another’s words before they arrive', () => {
  const squats = {
    'with garbage': rawUpdate([{ client: SHARED, clock: 0, structs: [garbage(1_000_000)] }]),
    'with words': rawUpdate([{ client: SHARED, clock: 0, structs: [text('mine now')] }]),
  }

  it.each(Object.entries(squats))('%s: the attack', (_how, squat) => {
    const reader = new Y.Doc()
    Y.applyUpdate(reader, squat)
    Y.applyUpdate(
      reader,
      updateOf(docWith(SHARED), (doc) => doc.getText('text').insert(0, 'hello')),
    )
    expect(reader.getText('text').toString()).not.toContain('hello')
  })

  it.each(Object.entries(squats))(
    '%s: the victim’s words arrive under another id, and it goes on under that',
    (_how, squat) => {
      const room = new Room()
      const victim = room.join(docWith(SHARED))
      const other = room.join()
      type(victim, 'hello')
      room.log.push(squat)
      room.settle()
      expect(other.text).toContain('hello')
      type(victim, 'and ')
      room.settle()
      expect(other.text).toContain('hello')
      expectOne(room)
      expect(victim.faults).toEqual([expect.stringMatching(/^member-fault: .*a1b2c3d4/)])
      expect(other.faults).toEqual([])
    },
  )

  it('and where the victim begins anew, with a checkpoint that holds all it wrote before: nothing of that is there twice', () => {
    const room = new Room()
    const victim = room.join(docWith(SHARED))
    type(victim, 'one two')
    room.settle()
    victim.doc.getText('text').delete(3, 2)
    type(victim, '!', 5)
    victim.doc.getMap('map').set('k', { words: ['an object'] })
    room.settle()
    const log = new Y.Doc()
    for (const update of [
      ...room.log,
      rawUpdate([{ client: SHARED, clock: Y.getState(victim.doc.store, SHARED), structs: [text('mine now')] }]),
    ])
      Y.applyUpdate(log, update)
    type(victim, ' three', 6)
    const again = new GuardedReader(victim.doc)
    again.take(Y.encodeStateAsUpdate(log), { sealer: 'checkpoint' })
    const rest = difference(victim.doc, again.logState) as Uint8Array
    Y.applyUpdate(log, rest)
    expect(areEqual([log, victim.doc])).toBe(true)
    expect(log.getText('text').toString().replace('mine now', '')).toBe('onewo! three')
    expect(again.faults).toHaveLength(1)
  })

  it('what of the victim’s append was on its way and still gets in is taken back: nothing is there twice', () => {
    const room = new Room()
    const victim = room.join(docWith(SHARED))
    const other = room.join()
    type(victim, 'hello')
    const inFlight = difference(victim.doc, victim.logState) as Uint8Array
    // As the outbox does when the update event tells that ids have changed.
    victim.doc.on('update', (_update: Uint8Array, origin: unknown) => {
      if ((origin as { reissued?: boolean } | null)?.reissued) victim.applier.supersede(inFlight)
    })
    room.log.push(rawUpdate([{ client: SHARED, clock: 0, structs: [text('XX')] }]))
    room.read(victim)
    room.log.push(inFlight)
    victim.acked(inFlight)
    room.settle()
    expect(other.text.split('hello')).toHaveLength(2)
    expect(other.text.replace('hello', '')).toBe('XX')
    expect(areEqual([victim.doc, other.doc])).toBe(true)
  })
})

describe('honest traffic under ids that a document holds already', () => {
  it('an app that changes an object after it has put it into the document, or has classes of its own: what comes back of it is no other content', () => {
    class Paragraph extends Y.XmlElement {}
    const doc = docWith(3)
    const state = { at: 1 }
    const update = updateOf(doc, () => {
      doc.getMap('map').set('state', state)
      doc.getMap('map').set('date', new Date(0) as never)
      doc.getText('text').insertEmbed(0, state)
      doc.getXmlFragment('xml').insert(0, [new Paragraph('p')])
    })
    state.at = 2
    const reader = new GuardedReader(doc)
    reader.take(update)
    expect([reader.faults, doc.clientID]).toEqual([[], 3])
    expect(difference(doc, reader.logState)).toBeUndefined()
  })

  it('a document that was filled before it joined, with what the log holds: nobody is told anything, and nothing is sent (seed prefilled)', () => {
    const random = seededRandom('prefilled')
    const writer = new Y.Doc()
    const room = new Room()
    const ada = room.join(writer)
    for (let i = 0; i < 300; i++) {
      changeSomehow(writer, random)
      if (i % 7 === 0) room.publish(ada)
    }
    room.settle()
    const restored = new Y.Doc()
    Y.applyUpdate(restored, Y.encodeStateAsUpdate(writer))
    const bob = room.join(restored)
    const before = room.log.length
    room.settle()
    expect([ada.faults, bob.faults, room.log.length]).toEqual([[], [], before])
    expectOne(room)
  })

  it('edits restored from a disk by two, each of which goes on deleting, formatting and undoing: nobody is told anything (20 seeds)', () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = seededRandom(`restored-${seed}`)
      const room = new Room()
      const old = new Y.Doc()
      for (let i = 0; i < 30; i++) changeSomehow(old, random)
      const disk = Y.encodeStateAsUpdate(old)
      const pair = [0, 1].map(() => {
        const doc = new Y.Doc()
        Y.applyUpdate(doc, disk)
        return room.join(doc)
      })
      for (const { doc } of pair) {
        const undo = new Y.UndoManager([doc.getText('text'), doc.getMap('map'), doc.getArray('array')])
        for (let i = 0; i < 12; i++) {
          changeSomehow(doc, random)
          if (below(random, 4) === 0) undo.undo()
          if (below(random, 6) === 0) undo.redo()
        }
      }
      // Some of it has got into the log by a third one, who has seen an earlier state.
      if (seed % 2 === 0) room.log.push(disk)
      for (const member of pair.sort(() => random() - 0.5)) room.publish(member)
      room.settle()
      expectOne(room)
      expect(pair.map(({ faults }) => faults)).toEqual([[], []])
    }
  })
})
