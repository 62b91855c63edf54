import type { Down, Entries, Up } from '@y-sealed/protocol'
import { describe, expect, it } from 'vitest'
import { hex } from '../../../packages/provider/src/hex.ts'
import { settle } from '../../support/fake-clock.ts'
import { historyOf, honestAnswer, type PastLog, threeEpochs } from './history-fixture.ts'

const isEntries = (message: Down): message is Entries => message.type === 'entries'

/** A relay that answers reads of the log in its own way. */
async function withReads(change: (answer: Down[], message: Extract<Up, { type: 'read' }>, log: PastLog) => Down[]) {
  const log = await threeEpochs()
  // The live session is one entry behind.
  const world = historyOf(log, { end: () => ({ sequence: 13, hash: log.hashes[13] ?? new Uint8Array() }) })
  world.relay.answer = (message) => {
    const answer = honestAnswer(log, message)
    return message.type === 'read' ? change(answer, message, log) : answer
  }
  return { log, ...world }
}

describe('a relay that shows another log is caught:', () => {
  const cases: Array<[string, 'withheld' | 'fork', Parameters<typeof withReads>[0]]> = [
    [
      'it keeps back the last entries',
      'withheld',
      (answer) => answer.filter((each, at) => !isEntries(each) || at === 0),
    ],
    ['it keeps back all', 'withheld', (answer) => answer.slice(-1)],
    ['it keeps back the first', 'withheld', (answer) => answer.slice(1)],
    ['it has them in another order', 'withheld', (answer) => [...answer.slice(0, -1).reverse(), ...answer.slice(-1)]],
    [
      'it says that there are fewer',
      'withheld',
      (_, message, log) => honestAnswer(log, { ...message, to: message.to - 1 }).map((each) => ({ ...each })),
    ],
    [
      'it goes on beyond the end',
      'withheld',
      (_, message, log) => honestAnswer(log, { ...message, to: message.to + 1 }),
    ],
    [
      'it swaps two entries',
      'fork',
      (answer) => answer.map((each) => (isEntries(each) ? { ...each, entries: each.entries.toReversed() } : each)),
    ],
    [
      'it shows those of another epoch in their place',
      'fork',
      (answer, _, log) =>
        answer.map((each) =>
          isEntries(each) ? { ...each, entries: log.entries.slice(0, each.entries.length) } : each,
        ),
    ],
    [
      'it changes a byte',
      'fork',
      (answer) =>
        answer.map((each) =>
          isEntries(each)
            ? {
                ...each,
                entries: each.entries.map(({ proof, envelope }) => {
                  return { proof, envelope: envelope.with(60, (envelope[60] ?? 0) ^ 1) }
                }),
              }
            : each,
        ),
    ],
    [
      'it adds a proof that was not there',
      'fork',
      (answer) =>
        answer.map((each) =>
          isEntries(each)
            ? { ...each, entries: each.entries.map(({ envelope }) => ({ envelope, proof: Uint8Array.of(1) })) }
            : each,
        ),
    ],
  ]
  for (const [what, code, change] of cases) {
    for (const index of [0, 1, 2]) {
      it(`${what} (epoch ${index})`, async () => {
        const { log, history, relay } = await withReads(change)
        await expect(history.openEpoch(index)).rejects.toMatchObject({ code, where: 'history' })
        // Nothing of it was kept.
        relay.answer = (message) => honestAnswer(log, message)
        expect((await history.openEpoch(index)).getText('t').toString()).toBe(log.texts[[4, 9, 13][index] ?? 0])
      })
    }
  }

  it('it changes its mind while a slider moves on', async () => {
    const log = await threeEpochs()
    const { history, relay } = historyOf(log)
    await history.openEpoch(2)
    await log.type('fifteen')
    relay.answer = (message) =>
      honestAnswer(log, message).map((each) => (isEntries(each) ? { ...each, entries: log.entries.slice(0, 1) } : each))
    await expect(history.openEpoch(2)).rejects.toMatchObject({ code: 'fork' })
    relay.answer = (message) => honestAnswer(log, message)
    expect((await history.openEpoch(2, 15)).getText('t').toString()).toBe(log.texts[15])
  })

  it('it tells nobody of entries that are not in the log that was closed', async () => {
    const { history, told } = await withReads((answer) =>
      answer.map((each) =>
        isEntries(each)
          ? { ...each, entries: each.entries.map(({ proof }) => ({ proof, envelope: new Uint8Array(80) })) }
          : each,
      ),
    )
    await expect(history.openEpoch(1)).rejects.toMatchObject({ code: 'fork' })
    await settle()
    expect(told).toEqual([])
  })
})

describe('a relay that shows another checkpoint is caught:', () => {
  it('that of another epoch', async () => {
    const log = await threeEpochs()
    const [, second, third] = log.chain.map(({ parsed }) => hex(parsed.checkpoint))
    log.checkpoints.set(second ?? '', log.checkpoints.get(third ?? '') ?? [])
    await expect(historyOf(log).history.openEpoch(1)).rejects.toMatchObject({ code: 'tampered', where: 'checkpoint' })
  })

  it('none', async () => {
    const log = await threeEpochs()
    log.checkpoints.clear()
    const { history } = historyOf(log)
    await expect(history.openEpoch(1)).rejects.toMatchObject({ code: 'withheld' })
    expect((await history.openEpoch(0)).getText('t').toString()).toBe(log.texts[4])
  })
})

describe('a relay that does not answer', () => {
  it('is not waited for without end, and the next question is asked', async () => {
    const { log, history, relay, clock, asked } = await withReads(() => [])
    const opening = history.openEpoch(0)
    const next = history.openEpoch(1)
    const failed = expect(opening).rejects.toMatchObject({ code: 'relay-fault' })
    await settle()
    relay.answer = (message) => honestAnswer(log, message)
    await clock.advance(45_000)
    await failed
    expect((await next).getText('t').toString()).toBe(log.texts[9])
    expect(asked.map(({ type }) => type)).toEqual(['read', 'fetch', 'read'])
  })

  it('is waited for as long as something comes, however slowly', async () => {
    const { log, history, clock } = await withReads(() => [])
    const opening = history.openEpoch(1)
    await settle()
    const read = { type: 'read', channel: 7, request: 2, after: 4, to: 9 } as const
    for (const message of honestAnswer(log, read)) {
      await clock.advance(29_000)
      expect(history.takes(message)).toBe(true)
    }
    expect((await opening).getText('t').toString()).toBe(log.texts[9])
  })

  it('or refuses, is believed', async () => {
    const { history } = await withReads((_, { channel, request }) => [
      { type: 'refused', channel, request, code: 'limit', detail: '' },
    ])
    await expect(history.openEpoch(0)).rejects.toMatchObject({ code: 'relay-fault' })
  })

  it('does not keep the list of epochs back: one wait, not one for each', async () => {
    const log = await threeEpochs()
    const { history, relay, clock, asked, told } = historyOf(log)
    relay.answer = () => []
    const epochs = history.epochs()
    await clock.advance(45_000)
    expect((await epochs).map(({ at }) => at)).toEqual([undefined, undefined, undefined])
    expect([asked.length, told]).toEqual([1, ['relay-fault']])
  })
})

describe('what the live session is sent', () => {
  it('stays its own, whatever is being read beside it', async () => {
    const { log, history, strays } = await withReads((answer, { channel }, log) => [
      // Earlier entries, live ones, a heartbeat, and the end of the session's own read, in the middle of ours.
      { type: 'entries', channel, first: 2, hashBefore: new Uint8Array(8), entries: log.entries.slice(1, 3) },
      { type: 'entries', channel, first: 14, hashBefore: new Uint8Array(8), entries: log.entries.slice(0, 2) },
      ...answer.slice(0, 1),
      { type: 'heartbeat', channel, sequence: 13, hash: new Uint8Array(8) },
      { type: 'caught-up', channel, request: 0, sequence: 13, hash: new Uint8Array(8) },
      ...answer.slice(1),
    ])
    expect((await history.openEpoch(1)).getText('t').toString()).toBe(log.texts[9])
    expect(strays.map(({ type }) => type)).toEqual(['entries', 'entries', 'heartbeat', 'caught-up'])
  })

  it('is all there is while nothing is asked here', async () => {
    const log = await threeEpochs()
    const { history } = historyOf(log)
    const messages: Down[] = [
      { type: 'entries', channel: 7, first: 1, hashBefore: new Uint8Array(8), entries: log.entries.slice(0, 1) },
      { type: 'caught-up', channel: 7, request: 1, sequence: 1, hash: new Uint8Array(8) },
      { type: 'refused', channel: 7, request: 1, code: 'limit', detail: '' },
    ]
    expect(messages.map((message) => history.takes(message))).toEqual([false, false, false])
  })
})
