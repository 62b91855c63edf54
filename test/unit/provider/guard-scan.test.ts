import * as encoding from 'lib0/encoding'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { type IdRun, scanUpdate, UnusableUpdate } from '../../../packages/provider/src/guard/scan-update.ts'
import { docWith, GuardedReader, updateOf, updatesOf } from '../../support/guarded-reader.ts'
import { below, pick, seededRandom } from '../../support/random.ts'
import { garbage, item, itemIn, nestedArrays, nestedJson, rawUpdate, text } from '../../support/raw-update.ts'
import { changeSomehow } from './change-somehow.ts'

const verdict = (update: Uint8Array): string => {
  try {
    scanUpdate(update)
    return 'usable'
  } catch (error) {
    if (error instanceof UnusableUpdate) return error.refusal
    throw error
  }
}

/** The same by Yjs, which builds everything. */
function byYjs(update: Uint8Array): { structs: IdRun[]; deletes: IdRun[] } {
  const { structs, ds } = Y.decodeUpdate(update)
  const deletes = [...ds.clients].flatMap(([client, items]) =>
    items.map(({ clock, len }) => ({ client, clock, length: len })),
  )
  const runs: IdRun[] = []
  for (const struct of structs) {
    if (struct instanceof Y.Skip) continue
    const { client, clock } = struct.id
    const last = runs.at(-1)
    if (last?.client === client && last.clock + last.length === clock)
      runs[runs.length - 1] = { ...last, length: last.length + struct.length }
    else runs.push({ client, clock, length: struct.length })
  }
  return { structs: runs, deletes }
}

describe('an update that Yjs wrote', () => {
  it('is read to the same ids and deletes as Yjs reads, whatever is in it (seed scan-1)', () => {
    const random = seededRandom('scan-1')
    const doc = new Y.Doc()
    const updates = updatesOf(doc, () => {
      for (let i = 0; i < 600; i++) changeSomehow(doc, random)
    })
    const other = new Y.Doc()
    for (const update of updates.slice(0, 400)) Y.applyUpdate(other, update)
    const vector = Y.encodeStateVector(other)
    const all = [
      ...updates,
      Y.encodeStateAsUpdate(doc),
      Y.encodeStateAsUpdate(doc, vector),
      // With holes, and with what waits for what is missing.
      Y.mergeUpdates(updates.filter((_, i) => i % 3 !== 1)),
      Y.mergeUpdates(updates.slice(200, 260)),
    ]
    for (const update of all) {
      const { structs, deletes } = scanUpdate(update)
      expect({ structs, deletes }).toEqual(byYjs(update))
    }
    expect(all.length).toBeGreaterThan(400)
  })
})

describe('D1: bytes that are no update', () => {
  it('empty, truncated anywhere, or with something behind them are refused', () => {
    const update = updateOf(docWith(7), (doc) => doc.getText('text').insert(0, 'hello'))
    expect(verdict(new Uint8Array(0))).toBe('malformed')
    for (let length = 1; length < update.length; length++)
      expect(verdict(update.subarray(0, length))).not.toBe('usable')
    expect(verdict(Uint8Array.of(...update, 0))).toBe('malformed')
  })

  it('counts that would make us allocate are refused before anything is', () => {
    expect(verdict(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f))).toBe('malformed')
    expect(verdict(Uint8Array.of(1, 0xff, 0xff, 0xff, 0xff, 0x0f, 7, 0))).toBe('malformed')
  })

  it('what Yjs would break off at in the middle is refused whole: two sections of one client, an item that stands beside a later one', () => {
    expect(verdict(rawUpdate([7, 7].map((client) => ({ client, clock: 0, structs: [text('a')] }))))).toBe('malformed')
    expect(verdict(rawUpdate([{ client: 7, clock: 0, structs: [itemIn(7, 5, 4, () => {})] }]))).toBe('malformed')
    expect(verdict(rawUpdate([{ client: 7, clock: 0, structs: [garbage(0)] }]))).toBe('malformed')
  })

  it('3,000 mutated updates: what is admitted Yjs takes, the rest leaves the document alone, which stays usable (seed D1)', () => {
    const random = seededRandom('D1')
    const writer = docWith(7)
    const updates = updatesOf(writer, () => {
      for (let i = 0; i < 200; i++) changeSomehow(writer, random)
    })
    let admitted = 0
    let reader = new GuardedReader()
    for (let i = 0; i < 3_000; i++) {
      if (i % 500 === 0) {
        reader.doc.getText('text').insert(0, '.')
        expect(reader.text.startsWith('.')).toBe(true)
        reader = new GuardedReader()
        reader.take(updates)
      }
      const mutated = pick(random, updates).slice()
      for (let flips = below(random, 3) + 1; flips > 0; flips--)
        mutated[below(random, mutated.length)] = below(random, 256)
      if (reader.take(mutated)) admitted++
    }
    expect(admitted).toBeGreaterThan(150)
    // Everything else is told of by one name.
    expect(reader.faults.every((fault) => fault.startsWith('member-fault: '))).toBe(true)
  })
})

describe('D2: bytes of the second encoding', () => {
  it('are refused, with a document in them and without: mergeUpdatesV2 could be made to hang (yjs#687)', () => {
    const endless = '00010000000001000100010200001602000001fdffffffff7f0000'
    expect(verdict(Uint8Array.from(Buffer.from(endless, 'hex')))).not.toBe('usable')
    const doc = new Y.Doc()
    const random = seededRandom('D2')
    for (let i = 0; i < 50; i++) {
      changeSomehow(doc, random)
      expect(verdict(Y.encodeStateAsUpdateV2(doc))).not.toBe('usable')
    }
  })
})

describe('D4: clocks that nobody has reached', () => {
  it.each([2 ** 31, 2 ** 40, Number.MAX_SAFE_INTEGER])('%d are refused, as structs and as deletes', (clock) => {
    expect(verdict(rawUpdate([{ client: 7, clock: 0, structs: [garbage(clock)] }]))).toBe('clock')
    expect(verdict(rawUpdate([{ client: 7, clock, structs: [garbage(1)] }]))).toBe('clock')
    expect(verdict(rawUpdate([], [{ client: 7, clock: 0, length: clock }]))).toBe('clock')
  })

  it('of the last character of a two gigabyte document is none', () => {
    expect(verdict(rawUpdate([{ client: 7, clock: 2 ** 31 - 2, structs: [garbage(1)] }]))).toBe('usable')
  })
})

describe('D14: values that nest', () => {
  const DEPTHS = [10, 100, 255, 256, 257, 1_000, 3_000, 5_000, 10_000, 100_000]

  const shapes = [
    { name: 'arrays', update: (depth: number) => rawUpdate([{ client: 7, clock: 0, structs: [nestedArrays(depth)] }]) },
    ...(['embed', 'format'] as const).map((kind) => ({
      name: `an ${kind}`,
      update: (depth: number) => rawUpdate([{ client: 7, clock: 0, structs: [nestedJson(depth, kind)] }]),
    })),
  ]

  it.each(shapes)(
    '$name: to a depth of 256 they are taken, deeper they are refused, wherever on the stack one stands',
    ({ update }) => {
      for (const depth of DEPTHS) {
        const expected = depth <= 256 ? 'usable' : 'nesting'
        expect(verdict(update(depth))).toBe(expected)
        expect(deepOnTheStack(500, () => verdict(update(depth)))).toBe(expected)
        const reader = new GuardedReader()
        expect(reader.take(update(depth))).toBe(depth <= 256)
      }
    },
  )

  it('brackets in a text do not count', () => {
    const doc = new Y.Doc()
    const update = updateOf(doc, () => doc.getText('text').insertEmbed(0, { words: `\\"${'['.repeat(1_000)}\\` }))
    expect(verdict(update)).toBe('usable')
  })

  it('the attack: without the scan, decoding ends in the stack', () => {
    expect(() => Y.decodeUpdate(rawUpdate([{ client: 7, clock: 0, structs: [nestedArrays(100_000)] }]))).toThrow(
      RangeError,
    )
  })
})

function deepOnTheStack<T>(frames: number, act: () => T): T {
  return frames === 0 ? act() : deepOnTheStack(frames - 1, act)
}

describe('D14: types that nest', () => {
  /** A chain of maps, each in the one before it, from `clock` on. */
  const chain = (clock: number, count: number): Uint8Array => {
    const aMap = (encoder: encoding.Encoder): void => encoding.writeVarUint(encoder, 1)
    const structs = Array.from({ length: count }, (_, i) =>
      clock + i === 0 ? item(7, aMap) : itemIn(7, clock + i - 1, 7, aMap),
    )
    return rawUpdate([{ client: 7, clock, structs }])
  }

  it('in one update: to a depth of 256 they are taken, deeper they are refused', () => {
    for (const [count, isTaken] of [
      [10, true],
      [256, true],
      [257, false],
      [5_000, false],
      [50_000, false],
    ] as const) {
      const reader = new GuardedReader()
      expect(reader.take(chain(0, count))).toBe(isTaken)
      if (!isTaken) expect(reader.faults).toEqual([expect.stringContaining('nests more than')])
    }
  })

  it('over many updates: the chain of parents in the document counts', () => {
    const reader = new GuardedReader()
    const taken = Array.from({ length: 60 }, (_, i) => reader.take(chain(i * 100, 100)))
    // Of those that rest on a refused one, which wait for ever, two in a row are still no deeper than two.
    expect(taken.slice(0, 6)).toEqual([true, true, false, true, true, false])
    // Whoever deletes the outermost deletes all of them, by recursion.
    reader.doc.transact(() => reader.take(rawUpdate([], [{ client: 7, clock: 0, length: 1 }])))
    expect(reader.doc.getText('text').length).toBe(0)
  })

  it('the inner ones first, which wait for the outer ones: they count too', () => {
    const reader = new GuardedReader()
    const taken = Array.from({ length: 50 }, (_, i) => reader.take(chain(100 + i * 100, 100)))
    expect(taken.slice(0, 6)).toEqual([true, true, false, true, true, false])
    expect(reader.take(chain(0, 100))).toBe(true)
    expect(reader.take(rawUpdate([], [{ client: 7, clock: 0, length: 1 }]))).toBe(true)
    expect(reader.doc.getText('text').length).toBe(0)
  })

  it('the attack: without the guard a delete of the outermost ends in the stack, and at each reader in another depth', () => {
    const doc = new Y.Doc()
    for (let i = 0; i < 80; i++) Y.applyUpdate(doc, chain(i * 100, 100))
    expect(() => doc.getText('text').delete(0, 1)).toThrow()
  })

  it('what honest editors nest is far from that', () => {
    const doc = new Y.Doc()
    let parent: Y.XmlFragment = doc.getXmlFragment('xml')
    const reader = new GuardedReader()
    for (let i = 0; i < 60; i++) {
      const inner = new Y.XmlElement('div')
      expect(reader.take(updateOf(doc, () => parent.insert(0, [inner, new Y.XmlText('words')])))).toBe(true)
      parent = inner
    }
    expect(reader.faults).toEqual([])
    expect(reader.doc.getXmlFragment('xml').toString()).toBe(doc.getXmlFragment('xml').toString())
  })
})
