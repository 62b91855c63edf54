import { createEpochRecord, createSealer, EnvelopeKind, fingerprint, type Opened } from '@y-sealed/envelope'
import { KeyError, systemClock } from '@y-sealed/key-client'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { sealCheckpoint } from '../../../packages/provider/src/checkpoint/seal-checkpoint.ts'
import { readRecord } from '../../../packages/provider/src/epoch/chained-epoch.ts'
import { hex } from '../../../packages/provider/src/hex.ts'
import { PastDocument } from '../../../packages/provider/src/history/past-document.ts'
import { Problems } from '../../../packages/provider/src/problems.ts'
import { SealedError } from '../../../packages/provider/src/sealed-error.ts'
import { settle } from '../../support/fake-clock.ts'
import { FIRST_EPOCH_UNIX_MS, historyOf, PastLog, threeEpochs } from './history-fixture.ts'

const textOf = (doc: Y.Doc): string => doc.getText('t').toString()

describe('the list of epochs', () => {
  it('says where each begins and ends, and when it began', async () => {
    const log = await threeEpochs()
    const { history, asked } = historyOf(log)
    const epochs = await history.epochs()
    expect(epochs.map(({ index, keyHint, from, to }) => [index, keyHint, from, to])).toEqual([
      [0, 'key 0', 1, 4],
      [1, 'key 1', 5, 9],
      [2, 'key 2', 10, 14],
    ])
    expect(epochs.map(({ at }) => at)).toEqual([
      undefined,
      FIRST_EPOCH_UNIX_MS + 3_600_000,
      FIRST_EPOCH_UNIX_MS + 7_200_000,
    ])
    expect(epochs.map((epoch) => epoch.fingerprint)).toEqual(log.chain.map(({ parsed }) => fingerprint(parsed.epochId)))
    // One chunk each, and the second time none; whether the first entry of the one that began empty is still kept may change.
    const chunksAsked = () => asked.filter((message) => message.type === 'fetch')
    expect(chunksAsked().map(({ last }) => last)).toEqual([1, 1])
    expect(await history.epochs()).toEqual(epochs)
    expect(chunksAsked()).toHaveLength(2)
    expect(asked.filter(({ type }) => type === 'read')).toMatchObject([
      { after: 0, to: 1 },
      { after: 0, to: 1 },
    ])
  })

  it('is empty before the document has an epoch', async () => {
    expect(await historyOf(new PastLog()).history.epochs()).toEqual([])
  })

  it('ends an epoch without entries before it begins', async () => {
    const log = new PastLog()
    await log.rotate()
    await log.rotate()
    await log.type('a')
    const { history } = historyOf(log)
    expect((await history.epochs()).map(({ from, to }) => [from, to])).toEqual([
      [1, 0],
      [1, 1],
    ])
    expect(textOf(await history.openEpoch(0))).toBe('')
  })

  it('names no time where the key is refused, and asks for it again the next time', async () => {
    const log = await threeEpochs()
    let isRefused = true
    const { history, told } = historyOf(log, {
      keysOf: async (epoch) => {
        if (isRefused && epoch.parsed.index === 1) throw new KeyError('key-refused', '403')
        return log.keysOf(epoch)
      },
    })
    const times = async () => (await history.epochs()).map(({ at }) => at !== undefined)
    expect(await times()).toEqual([false, false, true])
    isRefused = false
    expect(await times()).toEqual([false, true, true])
    expect(told).toEqual([])
  })

  it('asks an endpoint that is down for one key, not for each', async () => {
    const log = await threeEpochs()
    let asked = 0
    const { history } = historyOf(log, {
      keysOf: async () => {
        asked++
        throw new KeyError('key-unavailable', '503')
      },
    })
    expect((await history.epochs()).map(({ at }) => at)).toEqual([undefined, undefined, undefined])
    expect(asked).toBe(1)
  })

  it('is whole although the relay keeps one beginning back, or shows that of another epoch', async () => {
    const log = await threeEpochs()
    const [, second, third] = log.chain
    if (second === undefined || third === undefined) throw new Error('two epochs have a checkpoint')
    const { history, told } = historyOf(log)
    const chunks = log.checkpoints.get(hex(third.parsed.checkpoint)) ?? []
    log.checkpoints.delete(hex(second.parsed.checkpoint))
    expect((await history.epochs()).map(({ at }) => at !== undefined)).toEqual([false, false, true])
    expect(told).toEqual([])
    log.checkpoints.set(hex(second.parsed.checkpoint), chunks)
    expect((await history.epochs()).map(({ at }) => at !== undefined)).toEqual([false, false, true])
    await settle()
    expect(told).toEqual(['tampered'])
  })
})

describe('an old epoch', () => {
  it('opens at its end, and at every sequence that it has', async () => {
    const log = await threeEpochs()
    const { history } = historyOf(log)
    for (const { index, from, to } of await history.epochs()) {
      expect(textOf(await history.openEpoch(index))).toBe(log.texts[to])
      for (let at = from - 1; at <= to; at++) expect(textOf(await history.openEpoch(index, at))).toBe(log.texts[at])
    }
  })

  it('is downloaded once for all the moves of a slider', async () => {
    const log = await threeEpochs()
    const { history, asked } = historyOf(log)
    await history.openEpoch(1, 7)
    expect(asked.map(({ type }) => type)).toEqual(['fetch', 'read'])
    for (const at of [4, 9, 5, 8]) expect(textOf(await history.openEpoch(1, at))).toBe(log.texts[at])
    expect(asked.length).toBe(2)
    await history.openEpoch(0)
    expect(textOf(await history.openEpoch(1))).toBe(log.texts[9])
    expect(asked.length).toBe(5)
  })

  it('that still grows is read on from where it was left', async () => {
    const log = await threeEpochs()
    const { history, asked } = historyOf(log)
    await history.openEpoch(2)
    await log.type('fifteen')
    expect(textOf(await history.openEpoch(2))).toBe(log.texts[15])
    expect(asked.at(-1)).toMatchObject({ type: 'read', after: 14, to: 15 })
    expect(asked.length).toBe(3)
  })

  it('that is closed while it is looked at is still the same', async () => {
    const log = await threeEpochs()
    const { history, asked } = historyOf(log)
    await history.openEpoch(2)
    await log.rotate()
    await log.type('fifteen')
    expect(textOf(await history.openEpoch(2))).toBe(log.texts[14])
    expect(textOf(await history.openEpoch(3))).toBe(log.texts[15])
    expect(asked.filter(({ type }) => type === 'fetch').length).toBe(2)
  })

  it('that turns out to have ended before what was read of it is read again', async () => {
    const log = await threeEpochs()
    let end = log.end
    const { history } = historyOf(log, { end: () => end })
    await history.openEpoch(2)
    end = { sequence: 13, hash: log.hashes[13] ?? end.hash }
    expect(textOf(await history.openEpoch(2))).toBe(log.texts[13])
  })

  it('that the session has not got to yet is there with its beginning', async () => {
    const log = await threeEpochs()
    for (const sequence of [7, 9]) {
      const { history } = historyOf(log, { end: () => ({ sequence, hash: log.hashes[sequence] ?? log.end.hash }) })
      expect((await history.epochs()).at(-1)).toMatchObject({ from: 10, to: 9 })
      expect(textOf(await history.openEpoch(2))).toBe(log.texts[9])
    }
  })

  it('whose end no record tells stays shut, and shuts nothing else', async () => {
    const log = await threeEpochs()
    const [first, , third] = log.chain
    if (first === undefined || third === undefined) throw new Error('three epochs')
    const { history } = historyOf(log, { chain: () => [third, first, third] })
    await expect(history.openEpoch(2)).rejects.toMatchObject({ code: 'withheld' })
    await expect(history.openEpoch(0)).rejects.toMatchObject({ code: 'withheld' })
    expect((await history.epochs()).map(({ from, to }) => [from, to])).toEqual([
      [10, 9],
      [1, 9],
      [10, 14],
    ])
  })

  it('gives everybody a document of their own', async () => {
    const log = await threeEpochs()
    const { history } = historyOf(log)
    const [mine, yours] = await Promise.all([history.openEpoch(1), history.openEpoch(1)])
    mine.getText('t').delete(0, 5)
    expect(textOf(yours)).toBe(log.texts[9])
    expect(textOf(await history.openEpoch(1))).toBe(log.texts[9])
  })

  it('does not exist, or not at that sequence: a RangeError', async () => {
    const { history, asked } = historyOf(await threeEpochs())
    for (const [index, at] of [[3], [-1], [1, 3], [1, 10], [1, 5.5], [1, Number.NaN], [2, 15]]) {
      await expect(history.openEpoch(index ?? 0, at)).rejects.toThrow(RangeError)
    }
    expect(asked).toEqual([])
  })

  it('of 20 MB opens, with an update in parts after it', async () => {
    const log = new PastLog()
    await log.rotate()
    log.text.insert(0, 'x'.repeat(20_000_000))
    await log.rotate()
    // Everything before stands in the checkpoint.
    await log.seal()
    await log.newSealer()
    await log.type('y'.repeat(600_000))
    expect(log.entries.length).toBe(3)
    const { history, asked } = historyOf(log)
    expect(textOf(await history.openEpoch(1)).length).toBe(20_600_000)
    // Between its parts an update is not there yet.
    expect(textOf(await history.openEpoch(1, 2)).length).toBe(20_000_000)
    expect(asked.length).toBe(2)
  })

  it('with a log that is too long to keep is read in pages, each time', async () => {
    const log = new PastLog()
    await log.rotate()
    // More than 64 MiB.
    const words = Array.from({ length: 30_000 }, () => Math.random().toString(36))
      .join('')
      .slice(0, 250_000)
    for (let i = 0; i < 270; i++) {
      log.text.delete(0, log.text.length)
      await log.type(words)
    }
    const { history, asked } = historyOf(log)
    expect(textOf(await history.openEpoch(0)).length).toBe(250_000)
    const reads = asked.length
    // 16 MiB at a time.
    expect(reads).toBeGreaterThan(4)
    expect(textOf(await history.openEpoch(0, 100)).length).toBe(250_000)
    expect(asked.length).toBe(2 * reads)
  })
})

describe('a locked epoch', () => {
  it('locks nothing else, and opens when its key is given', async () => {
    const log = await threeEpochs()
    let isRefused = true
    const { history } = historyOf(log, {
      keysOf: async (epoch) => {
        if (isRefused && epoch.parsed.index === 1) throw new KeyError('key-refused', '403')
        return log.keysOf(epoch)
      },
    })
    const [zero, one, two] = await Promise.allSettled([0, 1, 2].map((index) => history.openEpoch(index)))
    expect([zero?.status, two?.status]).toEqual(['fulfilled', 'fulfilled'])
    expect(one).toMatchObject({ status: 'rejected', reason: { code: 'key-refused' } })
    isRefused = false
    expect(textOf(await history.openEpoch(1))).toBe(log.texts[9])
  })

  it('does not make the others wait while its key is on the way', async () => {
    const log = await threeEpochs()
    const { history } = historyOf(log, {
      keysOf: (epoch) => (epoch.parsed.index === 1 ? new Promise(() => {}) : Promise.resolve(log.keysOf(epoch))),
    })
    history.openEpoch(1).catch(() => {})
    expect(textOf(await history.openEpoch(0))).toBe(log.texts[4])
  })
})

describe('in the log of an old epoch', () => {
  it('what does not open is left out and told of, and nothing waits for it', async () => {
    const log = new PastLog()
    await log.rotate()
    await log.type('one ')
    log.text.insert(0, 'lost ')
    const [lost = new Uint8Array()] = await log.seal()
    const broken = lost.slice()
    broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1
    log.append(broken)
    await log.type('two ')
    // Nobody needs what is lost for this: another sealer, another client.
    await log.newSealer()
    const other = new Y.Doc()
    other.getText('u').insert(0, 'other')
    for (const envelope of await log.sealBody(EnvelopeKind.update, Y.encodeStateAsUpdate(other))) log.append(envelope)
    const { history, told } = historyOf(log)
    const doc = await history.openEpoch(0)
    await settle()
    expect(told).toEqual(['tampered', 'gap'])
    expect([textOf(doc), doc.getText('u').toString()]).toEqual(['one ', 'other'])
  })

  it('a late original is taken when it comes', async () => {
    const log = new PastLog()
    await log.rotate()
    await log.type('one ')
    log.text.insert(4, 'two ')
    const [late = new Uint8Array()] = await log.seal()
    await log.type('three ')
    log.append(late)
    const { history, told } = historyOf(log)
    expect(textOf(await history.openEpoch(0))).toBe('one two three ')
    expect(told).toEqual([])
    expect(textOf(await history.openEpoch(0, 2))).toBe('one ')
    await settle()
    expect(told).toEqual(['gap'])
  })

  it('an update that Yjs cannot read is left out whole', async () => {
    const log = new PastLog()
    await log.rotate()
    await log.type('one ')
    const other = new Y.Doc()
    other.getText('t').insert(0, 'half ')
    const torn = Y.encodeStateAsUpdate(other).slice(0, -1)
    for (const envelope of await log.sealBody(EnvelopeKind.update, torn)) log.append(envelope)
    await log.type('two ')
    const { history, told } = historyOf(log)
    expect(textOf(await history.openEpoch(0))).toBe('one two ')
    await settle()
    expect(told).toEqual(['member-fault'])
  })

  it('witnesses count, and carry nothing', async () => {
    const log = new PastLog()
    await log.rotate()
    await log.type('one ')
    for (const envelope of await log.sealBody(EnvelopeKind.witness, new Uint8Array(72))) log.append(envelope)
    await log.type('two ')
    const { history, told } = historyOf(log)
    expect(textOf(await history.openEpoch(0))).toBe('one two ')
    expect(told).toEqual([])
  })

  it.each(['kind', 'epoch'])('an envelope of another %s is no entry', async (what) => {
    const log = new PastLog()
    await log.rotate()
    const keys = log.keysOf(log.newest)
    const other = new Y.Doc()
    other.getText('t').insert(0, 'smuggled')
    const body = Y.encodeStateAsUpdate(other)
    const birth = log.end
    const envelopes =
      what === 'kind'
        ? await (await createSealer(keys, { epochIndex: 0, wire: false })).seal(EnvelopeKind.crossTab, body)
        : await (await createSealer(keys, { epochIndex: 1 })).seal(EnvelopeKind.update, body, { birth })
    for (const envelope of envelopes) log.append(envelope)
    const { history, told } = historyOf(log)
    expect(textOf(await history.openEpoch(0))).toBe('')
    await settle()
    expect(told).toEqual(['tampered'])
  })

  it('a checkpoint that is no Yjs update opens nothing', async () => {
    const log = await threeEpochs()
    const keys = log.keysOf(log.newest)
    const manifest = { sequence: 0, hash: log.end.hash, previous: undefined, digest: log.end.hash, unixMs: 0 }
    const update = new Uint8Array(50).fill(255)
    const sealed = await sealCheckpoint({ keys, epochIndex: 2, padding: true, clock: systemClock, manifest, update })
    const record = await createEpochRecord(keys, {
      index: 2,
      prevRecord: log.chain[1]?.hash ?? manifest.hash,
      previousKeys: keys,
      prevSequence: 14,
      prevHash: manifest.hash,
      prevCheckpoint: manifest.hash,
      checkpoint: sealed.hash,
    })
    const epoch = { ...readRecord(record), keys }
    log.chain[2] = epoch
    log.checkpoints.set(hex(sealed.hash), sealed.chunks)
    await expect(historyOf(log).history.openEpoch(2)).rejects.toMatchObject({ code: 'member-fault' })
  })
})

it('what waits behind a hole is held back up to a limit, and handed over then', async () => {
  const told: string[] = []
  const past = new PastDocument(
    { update: undefined, sequence: 0 },
    new Problems(systemClock, ({ code }) => told.push(code)),
  )
  const salt = new Uint8Array(16)
  const entries = Array.from({ length: 1_025 }, (_, at) => {
    const flags = { more: false, continues: false, padded: false, repair: false, final: false }
    const doc = new Y.Doc()
    doc.getText('t').insert(0, 'x')
    const body = Y.encodeStateAsUpdate(doc)
    const opened: Opened = { ...flags, kind: 1, epochIndex: 0, salt, counter: at + 2, codec: 1, body }
    return { sequence: at + 1, opened }
  })
  past.take(entries.slice(0, -1))
  expect(told).toEqual([])
  past.take(entries.slice(-1))
  expect(told).toEqual(['gap'])
  expect(textOf(past.finish()).length).toBe(1_025)
})

describe('when the session ends', () => {
  it('what had come by then is not kept either', async () => {
    const log = await threeEpochs()
    const { history, relay, asked } = historyOf(log)
    const honest = relay.answer
    relay.answer = (message) => {
      for (const down of honest(message)) history.takes(down)
      history.stop()
      return []
    }
    await expect(history.openEpoch(0)).rejects.toMatchObject({ code: 'interrupted' })
    await settle()
    relay.answer = honest
    await history.openEpoch(0)
    expect(asked.length).toBe(2)
  })

  it('what is under way is rejected, and may be asked again', async () => {
    const log = await threeEpochs()
    const { history, relay, asked } = historyOf(log)
    const honest = relay.answer
    relay.answer = () => []
    const under = [history.openEpoch(1), history.openEpoch(0), history.epochs()]
    await settle()
    expect(asked.length).toBe(1)
    history.stop()
    for (const each of under) await expect(each).rejects.toMatchObject({ code: 'interrupted' })
    await settle()
    expect(asked.length).toBe(1)
    relay.answer = honest
    expect(textOf(await history.openEpoch(1))).toBe(log.texts[9])
  })

  it('nobody waits for a key any longer, and nothing is asked once it comes', async () => {
    const log = await threeEpochs()
    let giveKey = (): void => {}
    const { history, asked } = historyOf(log, {
      keysOf: (epoch) =>
        new Promise((resolve) => {
          giveKey = () => resolve(log.keysOf(epoch))
        }),
    })
    const opening = history.openEpoch(1)
    await settle()
    history.stop()
    await expect(opening).rejects.toBeInstanceOf(SealedError)
    giveKey()
    await settle()
    expect(asked).toEqual([])
  })

  it('nothing is kept, and no timer is left', async () => {
    const log = await threeEpochs()
    const { history, asked, clock } = historyOf(log)
    await history.openEpoch(0)
    history.stop()
    await history.openEpoch(0)
    expect(asked.length).toBe(2)
    const opening = history.openEpoch(1)
    await settle()
    history.stop()
    await opening.catch(() => {})
    await settle()
    expect(clock.waiting).toBe(0)
  })
})
