import {
  createEpochRecord,
  createSealer,
  deriveEpochKeys,
  EnvelopeKind,
  encodeAwarenessBody,
  parseDocumentKey,
  type Sealer,
} from '@y-sealed/envelope'
import { startHash } from '@y-sealed/protocol'
import * as encoding from 'lib0/encoding'
import { beforeAll, describe, expect, it } from 'vitest'
import { Awareness } from 'y-protocols/awareness'
import { SealedAwareness } from '../../../packages/provider/src/awareness/sealed-awareness.ts'
import { readRecord } from '../../../packages/provider/src/epoch/chained-epoch.ts'
import type { Epoch } from '../../../packages/provider/src/epoch/epoch.ts'
import { hex } from '../../../packages/provider/src/hex.ts'
import { Problems } from '../../../packages/provider/src/problems.ts'
import { collectGarbage } from '../../support/collect-garbage.ts'
import { FakeClock, settle } from '../../support/fake-clock.ts'
import { docWith } from '../../support/guarded-reader.ts'

const ME = 1
const ADA = 7
const BOB = 8

let epoch: Epoch

beforeAll(async () => {
  const keys = await deriveEpochKeys(parseDocumentKey('a-key-that-nobody-guesses-0123456789'), {
    documentId: 'doc',
    keyHint: '',
    suite: 1,
    stretch: 0,
    nonce: new Uint8Array(16),
    ext: new Uint8Array(0),
  })
  const chained = readRecord(await createEpochRecord(keys, { index: 0 }))
  epoch = { ...chained, index: 0, keyHint: '', startHash: startHash(chained.hash), keys }
})

const sealer = (): Promise<Sealer> => createSealer(epoch.keys, { epochIndex: 0 })

/** A page that hears the others of its room. */
function listener() {
  const doc = docWith(ME)
  const clock = new FakeClock()
  const awareness = new Awareness(doc)
  const told: string[] = []
  const problems = new Problems(clock, ({ code, message }) => told.push(`${code}: ${message}`))
  const sealed = new SealedAwareness({
    awareness,
    origin: {},
    problems,
    clock,
    sealer: () => undefined,
    send: () => {},
  })
  sealed.start(epoch, false)
  /** What a session says, in the order in which it is said. */
  const say = (session: number, by: Sealer, entries: readonly State[], atMs = clock.now()): void => {
    const [envelope] = by.sealNow(EnvelopeKind.awareness, encodeAwarenessBody(atMs, encode(entries)))
    if (envelope !== undefined) sealed.receive(session, envelope)
  }
  const end = (): void => {
    sealed.destroy()
    awareness.destroy()
    doc.destroy()
  }
  return { awareness, clock, counters: problems.counters, told, sealed, say, end }
}

interface State {
  client: number
  clock: number
  state: unknown
}

function encode(entries: readonly State[]): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, entries.length)
  for (const { client, clock, state } of entries) {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, clock)
    encoding.writeVarString(encoder, typeof state === 'string' ? state : JSON.stringify(state))
  }
  return encoding.toUint8Array(encoder)
}

const named = (client: number, clock: number, name: string): State[] => [{ client, clock, state: { name } }]

describe('D7: whoever speaks for somebody else', () => {
  it('for this client: its state stays its own, and that is told by the sealer', async () => {
    const { awareness, counters, told, say, end } = listener()
    awareness.setLocalState({ name: 'me' })
    const mallory = await sealer()
    say(2, mallory, named(ME, 1_000, 'Mallory'))
    await settle()
    expect(awareness.getLocalState()).toEqual({ name: 'me' })
    expect(counters['awareness-refused']).toBe(1)
    expect(told).toEqual([expect.stringContaining(`sealer ${hex(mallory.salt).slice(0, 8)}`)])
    end()
  })

  it('for a member who is there: the others go on seeing that member, and nobody is accused of what may be a reconnect', async () => {
    const { awareness, counters, told, say, end } = listener()
    say(2, await sealer(), named(ADA, 1, 'Ada'))
    say(3, await sealer(), named(ADA, 1_000, 'Mallory'))
    say(3, await sealer(), [...named(ADA, 1_001, 'Mallory'), ...named(99, 1, 'a decoy')])
    await settle()
    expect([...awareness.getStates().keys()].sort()).toEqual([ME, ADA])
    expect(awareness.getStates().get(ADA)).toEqual({ name: 'Ada' })
    expect([counters['awareness-refused'], told]).toEqual([2, []])
    end()
  })

  it('for one who was away: whose entries in the log carry the id is believed, as soon as they say so', async () => {
    const { awareness, sealed, say, end } = listener()
    say(3, await sealer(), named(ADA, 2 ** 31, 'Mallory'))
    const ada = await sealer()
    say(2, ada, named(ADA, 5, 'Ada'))
    await settle()
    expect(awareness.getStates().get(ADA)).toEqual({ name: 'Mallory' })
    sealed.wrote(hex(ada.salt), ADA)
    say(2, ada, named(ADA, 6, 'Ada'))
    await settle()
    expect(awareness.getStates().get(ADA)).toEqual({ name: 'Ada' })
    end()
  })

  it('an honest reconnect whose old connection is half-open has its caret back once that has been silent for 30 s', async () => {
    const { awareness, clock, told, say, end } = listener()
    say(2, await sealer(), named(ADA, 10, 'before'))
    const again = await sealer()
    say(3, again, named(ADA, 11, 'after'))
    await settle()
    expect(awareness.getStates().get(ADA)).toEqual({ name: 'before' })
    await clock.advance(30_001)
    say(3, again, named(ADA, 12, 'after'))
    await settle()
    expect([awareness.getStates().get(ADA), told]).toEqual([{ name: 'after' }, []])
    end()
  })

  it('and at once where the relay has told that the old one left; what then still comes of that one moves nobody', async () => {
    const { awareness, sealed, say, end } = listener()
    const old = await sealer()
    say(2, old, named(ADA, 10, 'before'))
    sealed.left(2)
    say(3, await sealer(), named(ADA, 11, 'after'))
    say(2, old, named(ADA, 12, 'before'))
    await settle()
    expect(awareness.getStates().get(ADA)).toEqual({ name: 'after' })
    end()
  })

  it('a session that renews its sealer goes on speaking for itself', async () => {
    const { awareness, say, end } = listener()
    say(2, await sealer(), named(ADA, 1, 'Ada'))
    say(2, await sealer(), named(ADA, 2, 'Ada, an hour later'))
    await settle()
    expect(awareness.getStates().get(ADA)).toEqual({ name: 'Ada, an hour later' })
    end()
  })
})

describe('more than a page can open', () => {
  it('B13: of 8 MB in one turn 4 MiB wait, the rest is counted, and who speaks afterwards is heard', async () => {
    const { awareness, counters, say, end } = listener()
    const ada = await sealer()
    const ADAS = 1_000
    for (let clock = 1; clock <= ADAS; clock++) say(2, ada, named(ADA, clock, 'x'.repeat(8_000)))
    const taken = ADAS - (counters['awareness-shed'] ?? 0)
    expect(taken).toBeGreaterThan(400)
    expect(taken).toBeLessThan(525)
    while (awareness.meta.get(ADA)?.clock !== taken) await settle()
    say(3, await sealer(), named(BOB, 1, 'Bob'))
    await settle()
    expect(awareness.getStates().get(BOB)).toEqual({ name: 'Bob' })
    end()
  })
})

describe('D8: states that would pin something for ever', () => {
  const bad: readonly [string, State[]][] = [
    ['a clock beyond 2^31', named(BOB, 2 ** 31 + 1, 'x')],
    ['a state of more than 8 KiB', named(BOB, 1, 'x'.repeat(8 * 1024))],
    ['a state that nests', [{ client: BOB, clock: 1, state: `{"a":${'['.repeat(300)}${']'.repeat(300)}}` }]],
    ['a state that nests beyond any stack', [{ client: BOB, clock: 1, state: '[['.repeat(3_000) }]],
    ['a state that is no object', [{ client: BOB, clock: 1, state: 7 }]],
    ['a state that is a list', [{ client: BOB, clock: 1, state: [] }]],
    ['two states of one client', [...named(BOB, 1, 'x'), ...named(BOB, 2, 'y')]],
    ['a crowd in one session', Array.from({ length: 9 }, (_, i) => ({ client: 100 + i, clock: 1, state: {} }))],
  ]

  it.each(bad)('%s: refused, and told by the sealer', async (_what, entries) => {
    const { awareness, told, say, end } = listener()
    say(2, await sealer(), entries)
    await settle()
    expect([...awareness.getStates().keys()]).toEqual([ME])
    expect([...awareness.meta.keys()]).toEqual([ME])
    expect(told).toEqual([expect.stringMatching(/^member-fault: .*sealer [0-9a-f]{8}/)])
    end()
  })

  it('a clock that jumps: refused; one that a busy hour has moved is not', async () => {
    const { awareness, clock, told, say, end } = listener()
    const ada = await sealer()
    say(2, ada, named(ADA, 1_000_000, 'a page that was open for days'))
    say(2, ada, named(ADA, 1_000_000 + 2 ** 17, 'a jump'))
    await settle()
    expect(awareness.getStates().get(ADA)).toEqual({ name: 'a page that was open for days' })
    expect(told).toHaveLength(1)
    await clock.advance(3_600_000)
    say(2, ada, named(ADA, 1_000_000 + 60 * 3_600, 'an hour of a mouse'))
    await settle()
    expect(awareness.getStates().get(ADA)).toEqual({ name: 'an hour of a mouse' })
    end()
  })

  it('100,000 ids of sessions that come and go leave nothing behind', async () => {
    const { awareness, sealed, told, say, end } = listener()
    await settle()
    const before = heapBytes()
    const sealers = await Promise.all(Array.from({ length: 100 }, sealer))
    for (let session = 0; session < 12_500; session++) {
      const states = Array.from({ length: 8 }, (_, i) => ({ client: 1_000 + session * 8 + i, clock: 1, state: {} }))
      say(10 + session, sealers[session % 100] as Sealer, states)
      sealed.left(10 + session)
      if (session % 500 === 0) await settle()
    }
    await settle()
    expect([awareness.meta.size, awareness.getStates().size, told]).toEqual([1, 1, []])
    expect(heapBytes() - before).toBeLessThan(5_000_000)
    end()
  }, 60_000)

  it('and of those that stay a thousand are heard', async () => {
    const { awareness, say, end } = listener()
    for (let session = 0; session < 150; session++) {
      const states = Array.from({ length: 8 }, (_, i) => ({ client: 1_000 + session * 8 + i, clock: 1, state: {} }))
      say(10 + session, await sealer(), states)
    }
    await settle()
    expect(awareness.getStates().size).toBe(1 + 1_000)
    expect(awareness.meta.size).toBe(1 + 1_000)
    end()
  })

  it('who is gone and comes back with a lower clock is seen', async () => {
    const { awareness, sealed, say, end } = listener()
    say(2, await sealer(), named(ADA, 1_000, 'before'))
    sealed.left(2)
    say(3, await sealer(), named(ADA, 3, 'after a reload that kept the id'))
    await settle()
    expect(awareness.getStates().get(ADA)).toEqual({ name: 'after a reload that kept the id' })
    end()
  })
})

describe('D9: what was said before', () => {
  it('is not heard again: of a session that is there, of one that has left, nor after five minutes', async () => {
    const { awareness, clock, counters, sealed, say, end } = listener()
    const ada = await sealer()
    const [early] = ada.sealNow(
      EnvelopeKind.awareness,
      encodeAwarenessBody(clock.now(), encode(named(ADA, 1, 'early'))),
    )
    if (early === undefined) throw new Error('nothing was sealed')
    sealed.receive(2, early)
    say(2, ada, named(ADA, 2, 'late'))
    sealed.receive(2, early)
    await settle()
    expect(awareness.getStates().get(ADA)).toEqual({ name: 'late' })
    sealed.left(2)
    sealed.receive(2, early)
    sealed.receive(9, early)
    await settle()
    expect(awareness.getStates().has(ADA)).toBe(false)
    expect(counters['awareness-replayed']).toBe(3)
    await clock.advance(5 * 60_000 + 1)
    const other = listener()
    other.sealed.receive(2, early)
    await other.clock.advance(5 * 60_000 + 1)
    other.sealed.receive(3, early)
    await settle()
    expect(other.counters['awareness-replayed']).toBe(1)
    end()
    other.end()
  })
})

function heapBytes(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}
