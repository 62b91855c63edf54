import { describe, expect, it } from 'vitest'
import type { EpochInfo } from 'y-sealed'
import * as Y from 'yjs'
import { entriesText, failureText, placeText } from '../../../demo-editor/src/history/history-words.ts'
import { createPastReader } from '../../../demo-editor/src/history/past-reader.ts'
import { entriesIn, placeAt, spanOf } from '../../../demo-editor/src/history/places.ts'
import { createTimeTravel, type TimeTravel } from '../../../demo-editor/src/history/time-travel.ts'
import { rotationFailureText, rotationObstacle } from '../../../demo-editor/src/rotation-words.ts'

/** Three epochs; the second is empty. */
const EPOCHS: EpochInfo[] = [epoch(0, 1, 10), epoch(1, 11, 10), epoch(2, 11, 30)]

describe('the places of the slider', () => {
  it('reaches from before the first entry to the last, over all epochs', () => {
    expect(spanOf(EPOCHS)).toEqual({ first: 0, last: 30 })
    expect(spanOf([])).toBeUndefined()
    expect(EPOCHS.map(entriesIn)).toEqual([10, 0, 20])
  })

  it.each([
    [0, { epochIndex: 0, at: 0 }],
    [1, { epochIndex: 0, at: 1 }],
    [10, { epochIndex: 0, at: 10 }],
    [11, { epochIndex: 2, at: 11 }],
    [30, { epochIndex: 2, at: 30 }],
    [31, undefined],
    [-1, undefined],
  ])('sequence %i is read in %o', (sequence, place) => {
    expect(placeAt(EPOCHS, sequence, () => false)).toEqual(place)
  })

  it('the end of a locked epoch is read as the beginning of the next; its middle is nowhere else', () => {
    const isLocked = (index: number) => index === 0
    expect(placeAt(EPOCHS, 10, isLocked)).toEqual({ epochIndex: 1, at: 10 })
    expect(placeAt(EPOCHS, 9, isLocked)).toEqual({ epochIndex: 0, at: 9 })
    expect(placeAt(EPOCHS, 10, () => true)).toEqual({ epochIndex: 0, at: 10 })
  })

  it('what the relay does not keep any more is passed over', () => {
    const kept = [epoch(0, 1, 10), epoch(1, 21, 30)]
    expect(placeAt(kept, 15, () => false)).toEqual({ epochIndex: 1, at: 20 })
    expect(placeAt(kept, 10, () => false)).toEqual({ epochIndex: 0, at: 10 })
    expect(placeAt([epoch(1, 21, 30)], 15, () => false)).toBeUndefined()
  })

  it('says where it is in words', () => {
    const span = { first: 0, last: 30 }
    expect(placeText({ epochIndex: 2, at: 12 }, span)).toBe('Change 12 of 30, epoch 2')
    expect(placeText({ epochIndex: 0, at: 0 }, span)).toBe('Before the first change')
    // What was before has been deleted at the relay: something was written.
    expect(placeText({ epochIndex: 2, at: 11 }, { first: 11, last: 30 })).toBe('Change 11 of 30, epoch 2')
    expect([epoch(0, 1, 0), epoch(0, 1, 1), epoch(0, 1, 2)].map(entriesText)).toEqual([
      'no changes',
      '1 change',
      '2 changes',
    ])
  })
})

describe('why something is not shown', () => {
  const refused = Object.assign(new Error('403'), { code: 'key-refused' })
  const unavailable = Object.assign(new Error('fetch failed'), { code: 'key-unavailable' })

  it('a refused key is told apart from a network that is away', () => {
    expect(failureText(refused, true)).toMatch(/^Locked: the key endpoint does not give you/)
    expect(failureText(refused, false)).toMatch(/^Locked/)
    expect(failureText(unavailable, true)).toMatch(/does not answer/)
    expect(failureText(unavailable, false)).toMatch(/^You are offline/)
  })

  it.each([undefined, null, 'x', 7, {}, { code: 7 }, { code: 'constructor' }, new Error('x')])(
    'whatever is thrown (%o) gets a sentence',
    (error) => {
      expect(failureText(error, true)).toMatch(/^This state could not be opened.*\.$/)
    },
  )
})

describe('the reader of the past', () => {
  it('opens one place at a time, and of all that were wanted meanwhile only the newest', async () => {
    const { source, asked, answer } = slowSource()
    const opened: number[] = []
    const reader = createPastReader({ source, opened: (_doc, { at }) => opened.push(at), failed: unexpected })
    for (const at of [1, 2, 3, 4, 5]) reader.want({ epochIndex: 0, at })
    expect(asked).toEqual([1])
    const stale = await answer()
    expect(asked).toEqual([1, 5])
    expect(stale.isDestroyed).toBe(true)
    const shown = await answer()
    expect(opened).toEqual([5])
    expect(shown.isDestroyed).toBe(false)
  })

  it('a stale error is dropped, too; a source that throws at once is one that rejects', async () => {
    const failures: unknown[] = []
    const { source, asked, refuse } = slowSource()
    const reader = createPastReader({ source, opened: unexpected, failed: (error) => failures.push(error) })
    reader.want({ epochIndex: 0, at: 1 })
    reader.want({ epochIndex: 0, at: 2 })
    await refuse(new Error('stale'))
    expect(failures).toEqual([])
    expect(asked).toEqual([1, 2])
    await refuse(new Error('newest'))
    expect(failures).toEqual([new Error('newest')])

    const thrown = new Error('at once')
    const throwing = createPastReader({
      source: {
        openEpoch() {
          throw thrown
        },
      },
      opened: unexpected,
      failed: (error) => failures.push(error),
    })
    throwing.want({ epochIndex: 0, at: 1 })
    await turn()
    expect(failures).toEqual([new Error('newest'), thrown])
  })

  it('after stop() what is on its way is destroyed, and the reader can be asked again', async () => {
    const { source, asked, answer } = slowSource()
    const opened: number[] = []
    const reader = createPastReader({ source, opened: (_doc, { at }) => opened.push(at), failed: unexpected })
    reader.want({ epochIndex: 0, at: 1 })
    reader.stop()
    expect((await answer()).isDestroyed).toBe(true)
    expect(opened).toEqual([])
    reader.want({ epochIndex: 0, at: 2 })
    await answer()
    expect(asked).toEqual([1, 2])
    expect(opened).toEqual([2])
  })
})

describe('travelling', () => {
  it('sliding, resting, and back to now; whoever shows a document is handed it', async () => {
    const trip = travelling()
    trip.travel.goTo(12)
    expect(trip.travel.view).toEqual({ is: 'opening', place: { epochIndex: 2, at: 12 } })
    await trip.answer()
    expect(trip.travel.view).toEqual({ is: 'shown', place: { epochIndex: 2, at: 12 } })
    expect(trip.shown).toHaveLength(1)
    expect(trip.shown[0]?.isDestroyed).toBe(false)
    trip.travel.goTo(12)
    expect(trip.asked).toEqual([12])
    trip.travel.goTo(30)
    expect(trip.travel.view).toEqual({ is: 'now' })
    expect(trip.cleared).toBe(1)
  })

  it('an answer that comes after “Back to now” is not shown', async () => {
    const trip = travelling()
    trip.travel.goTo(12)
    trip.travel.goToNow()
    expect((await trip.answer()).isDestroyed).toBe(true)
    expect(trip.travel.view).toEqual({ is: 'now' })
    expect(trip.shown).toEqual([])
  })

  it('nothing is called shown while the next place is being opened', async () => {
    const trip = travelling()
    trip.travel.goTo(12)
    await trip.answer()
    trip.travel.goTo(13)
    expect(trip.travel.view.is).toBe('opening')
    await trip.answer()
    expect(trip.travel.view).toEqual({ is: 'shown', place: { epochIndex: 2, at: 13 } })
  })

  it('a refused key locks its epoch only, and the reason is said', async () => {
    const trip = travelling()
    trip.travel.goTo(5)
    await trip.refuse(Object.assign(new Error('403'), { code: 'key-refused' }))
    expect(trip.travel.view).toMatchObject({ is: 'failed', reason: expect.stringMatching(/^Locked/) })
    expect([0, 1, 2].map(trip.travel.isLocked)).toEqual([true, false, false])
    trip.travel.goTo(12)
    await trip.answer()
    expect(trip.travel.view.is).toBe('shown')
    // Access may have been given meanwhile.
    trip.travel.goTo(5)
    await trip.answer()
    expect(trip.travel.isLocked(0)).toBe(false)
  })

  it('where the locked epoch ends the next one is opened instead; if that is locked too, it ends there', async () => {
    const trip = travelling()
    const refused = Object.assign(new Error('403'), { code: 'key-refused' })
    trip.travel.goTo(10)
    await trip.refuse(refused)
    expect(trip.travel.view).toEqual({ is: 'opening', place: { epochIndex: 1, at: 10 } })
    await trip.refuse(refused)
    expect(trip.travel.view).toEqual({ is: 'opening', place: { epochIndex: 2, at: 10 } })
    await trip.refuse(refused)
    expect(trip.travel.view).toMatchObject({ is: 'failed', place: { epochIndex: 2, at: 10 } })
    expect(trip.asked).toEqual([10, 10, 10])
  })

  it('without a network nobody is asked; what was on its way when it went is opened when it is back', async () => {
    const trip = travelling()
    const offline = { is: 'failed', reason: expect.stringMatching(/^You are offline/) }
    trip.travel.goTo(12)
    trip.isOnline = false
    await trip.refuse(new Error('the session ended'))
    expect(trip.travel.view).toMatchObject(offline)
    trip.travel.goTo(13)
    expect(trip.travel.view).toMatchObject({ ...offline, place: { epochIndex: 2, at: 13 } })
    expect(trip.asked).toEqual([12])
    trip.isOnline = true
    trip.travel.retry()
    await trip.answer()
    expect(trip.travel.view).toEqual({ is: 'shown', place: { epochIndex: 2, at: 13 } })
    trip.travel.retry()
    expect(trip.asked).toEqual([12, 13])
  })

  it('a document that cannot be shown is said to be one, and the next can be', async () => {
    const trip = travelling()
    trip.isUnshowable = true
    trip.travel.goTo(12)
    await trip.answer()
    expect(trip.travel.view).toMatchObject({ is: 'failed', reason: expect.stringMatching(/cannot be shown/) })
    trip.isUnshowable = false
    trip.travel.goTo(13)
    await trip.answer()
    expect(trip.travel.view.is).toBe('shown')
  })

  it('while others type the place stays, and now stays now', async () => {
    const trip = travelling()
    trip.travel.adopt([...EPOCHS.slice(0, 2), epoch(2, 11, 35)])
    expect(trip.travel.view).toEqual({ is: 'now' })
    trip.travel.goTo(30)
    await trip.answer()
    trip.travel.adopt([...EPOCHS.slice(0, 2), epoch(2, 11, 35), epoch(3, 36, 36)])
    expect(trip.travel.view).toEqual({ is: 'shown', place: { epochIndex: 2, at: 30 } })
    expect(trip.asked).toEqual([30])
  })
})

describe('rotating', () => {
  it('not while it runs, nor offline, nor read-only: each with its reason', () => {
    const ready = { connected: true, canWrite: true, keyInLink: false, running: false }
    expect(rotationObstacle(ready)).toBeUndefined()
    const obstacles = [
      { ...ready, running: true },
      { ...ready, connected: false },
      { ...ready, keyInLink: true },
      { ...ready, canWrite: false },
      { ...ready, connected: false, running: true },
    ].map(rotationObstacle)
    expect(new Set(obstacles).size).toBe(5)
    expect(obstacles).not.toContain(undefined)
  })

  it('a failure is told with its reason, or with the problem’s own words', () => {
    const unsupported = Object.assign(new Error('no'), { code: 'rotation-unsupported' })
    expect(rotationFailureText(unsupported)).toContain('the key endpoint gives this document no other key')
    const rolledBack = Object.assign(new Error('no'), { code: 'rollback' })
    expect(rotationFailureText(rolledBack)).toContain('The relay lost stored changes')
    expect(rotationFailureText(undefined)).toMatch(/^The key was not rotated: nobody said why\./)
  })
})

function epoch(index: number, from: number, to: number): EpochInfo {
  return { index, keyHint: '', from, to, fingerprint: `fingerprint of ${index}`, at: undefined, locked: undefined }
}

/** Answers when the test says so, in the order of the questions. */
function slowSource() {
  const asked: (number | undefined)[] = []
  const waiting: { resolve: (doc: Y.Doc) => void; reject: (error: unknown) => void }[] = []
  return {
    asked,
    source: {
      openEpoch: (_index: number, at?: number) => {
        asked.push(at)
        return new Promise<Y.Doc>((resolve, reject) => waiting.push({ resolve, reject }))
      },
    },
    async answer(): Promise<Y.Doc> {
      const doc = new Y.Doc()
      waiting.shift()?.resolve(doc)
      await turn()
      return doc
    },
    async refuse(error: unknown): Promise<void> {
      waiting.shift()?.reject(error)
      await turn()
    },
  }
}

interface Trip extends Omit<ReturnType<typeof slowSource>, 'source'> {
  readonly travel: TimeTravel
  readonly shown: Y.Doc[]
  cleared: number
  isOnline: boolean
  isUnshowable: boolean
}

function travelling(): Trip {
  const { source, ...script } = slowSource()
  const trip: Trip = {
    ...script,
    shown: [],
    cleared: 0,
    isOnline: true,
    isUnshowable: false,
    travel: createTimeTravel({
      source,
      isOnline: () => trip.isOnline,
      show(doc) {
        if (trip.isUnshowable) throw new RangeError('too deep')
        trip.shown.push(doc)
      },
      clear() {
        trip.cleared += 1
      },
      changed() {},
    }),
  }
  trip.travel.adopt(EPOCHS)
  return trip
}

/** Long enough for promises that have been settled. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 0))

function unexpected(): never {
  throw new Error('not expected')
}
