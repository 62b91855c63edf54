import { createEpochRecord, createSealer, deriveEpochKeys, EnvelopeKind, parseDocumentKey } from '@y-sealed/envelope'
import { type Entry, hashPrefix, leafHash, nextHash, startHash } from '@y-sealed/protocol'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { emptyStart } from '../../../packages/provider/src/checkpoint/epoch-load.ts'
import { readRecord } from '../../../packages/provider/src/epoch/chained-epoch.ts'
import type { Epoch } from '../../../packages/provider/src/epoch/epoch.ts'
import { Inbound } from '../../../packages/provider/src/inbound/inbound.ts'
import { LogState } from '../../../packages/provider/src/log-state/log-state.ts'
import { Problems } from '../../../packages/provider/src/problems.ts'
import { patiently } from '../../support/events.ts'
import { FakeClock, settle } from '../../support/fake-clock.ts'
import { updatesOf } from '../../support/guarded-reader.ts'
import { below, seededRandom } from '../../support/random.ts'

const ENTRIES = 5_000
const WINDOW = 64

interface Sealed {
  readonly epoch: Epoch
  readonly words: string
  readonly envelopes: Uint8Array[]
}

/** Two who type in turns, one character each, sealed. */
async function sealedTyping(): Promise<Sealed> {
  const keys = await deriveEpochKeys(parseDocumentKey('a-key-that-nobody-guesses-0123456789'), {
    documentId: 'doc',
    keyHint: '',
    suite: 1,
    stretch: 0,
    nonce: new Uint8Array(16),
    ext: new Uint8Array(0),
  })
  const chained = readRecord(await createEpochRecord(keys, { index: 0 }))
  const epoch = { ...chained, index: 0, keyHint: '', startHash: startHash(chained.hash), keys }
  const docs = [new Y.Doc(), new Y.Doc()]
  const sealers = await Promise.all(docs.map(() => createSealer(keys, { epochIndex: 0 })))
  const envelopes: Uint8Array[] = []
  for (let i = 0; i < ENTRIES; i++) {
    const who = i % 2
    const [doc, sealer] = [docs[who] as Y.Doc, sealers[who] as Awaited<ReturnType<typeof createSealer>>]
    const [update] = updatesOf(doc, () => doc.getText('text').insert(i, String.fromCharCode(97 + (i % 26))))
    Y.applyUpdate(docs[1 - who] as Y.Doc, update as Uint8Array)
    const birth = sealer.unborn ? { birth: { sequence: 0, hash: epoch.startHash } } : {}
    envelopes.push(...sealer.sealNow(EnvelopeKind.update, update as Uint8Array, birth))
  }
  return { epoch, words: (docs[0] as Y.Doc).getText('text').toString(), envelopes }
}

const toEntry = (envelope: Uint8Array): Entry => ({ proof: new Uint8Array(0), envelope })

/** A reader, and how often Yjs was made to keep something for later while it read. */
function reader(epoch: Epoch, reread: (after: number) => void = () => {}) {
  const doc = new Y.Doc()
  const told: string[] = []
  const clock = new FakeClock()
  let kept = 0
  doc.on('afterTransaction', () => {
    if (doc.store.pendingStructs !== null) kept++
  })
  const inbound = new Inbound({
    doc,
    origin: {},
    logState: new LogState(),
    problems: new Problems(clock, ({ code }) => told.push(code)),
    clock,
    ownSalt: () => undefined,
    onBegin: () => {},
    onProgress: () => {},
    onTaken: () => {},
    onLogged: () => {},
    onWritten: () => {},
    onFreshId: () => {},
    onSettled: () => {},
    reread,
    onForeignContent: () => {},
    onRelayFault: (message) => told.push(message),
    onOpenFailed: () => told.push('open failed'),
  })
  inbound.begin(epoch, emptyStart(epoch))
  return { doc, told, clock, inbound, keptTimes: () => kept }
}

/** H before each entry of this log. */
function hashesOf({ startHash: start }: Epoch, envelopes: readonly Uint8Array[]): Uint8Array[] {
  const hashes = [start]
  for (const envelope of envelopes)
    hashes.push(nextHash(hashes.at(-1) as Uint8Array, leafHash(new Uint8Array(0), envelope)))
  return hashes
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const out: T[] = []
  for (let from = 0; from < list.length; from += WINDOW) {
    const window = list.slice(from, from + WINDOW)
    for (let i = window.length - 1; i > 0; i--) {
      const j = below(random, i + 1)
      ;[window[i], window[j]] = [window[j] as T, window[i] as T]
    }
    out.push(...window)
  }
  return out
}

async function readAll(read: ReturnType<typeof reader>): Promise<void> {
  await patiently(
    (async () => {
      while (read.inbound.cursor < ENTRIES) await settle()
    })(),
    'all entries',
    60_000,
  )
}

describe('B2: a relay that shuffles 5,000 one-character updates of two people in windows of 64 (seed B2)', () => {
  it('on the wire, with every tenth sent twice: in order to Yjs, which never has to keep one for later', async () => {
    const { epoch, words, envelopes } = await sealedTyping()
    const random = seededRandom('B2')
    const hashes = hashesOf(epoch, envelopes)
    const sent = envelopes.flatMap((_, at) => (at % 10 === 0 ? [at, at] : [at]))
    const read = reader(epoch)
    for (const at of shuffled(sent, random)) {
      read.inbound.receive(at + 1, hashPrefix(hashes[at] as Uint8Array), [toEntry(envelopes[at] as Uint8Array)])
      if (at % 500 === 0) await settle()
    }
    await readAll(read)
    expect([read.doc.getText('text').toString() === words, read.told, read.keptTimes()]).toEqual([true, [], 0])
  })

  it('in its log itself: each sealer in order, and holes between two of them are a matter of a few', async () => {
    const { epoch, words, envelopes } = await sealedTyping()
    const log = shuffled(envelopes, seededRandom('B2'))
    const read = reader(epoch)
    read.inbound.receive(1, hashPrefix(epoch.startHash), log.map(toEntry))
    await readAll(read)
    expect(read.inbound.isHolding).toBe(false)
    expect([read.doc.getText('text').toString() === words, read.told]).toEqual([true, []])
    expect(read.doc.store.pendingStructs).toBeNull()
  })

  it('with one left out of the log: all waits ten seconds for it, then what can be read is, and the late one still counts', async () => {
    const { epoch, words, envelopes } = await sealedTyping()
    const [lost] = envelopes.splice(2_000, 1)
    const read = reader(epoch)
    const hashes = hashesOf(epoch, envelopes)
    read.inbound.receive(1, hashPrefix(epoch.startHash), envelopes.map(toEntry))
    await patiently(
      (async () => {
        while (read.inbound.cursor < envelopes.length) await settle()
      })(),
      'all entries but one',
      60_000,
    )
    await read.clock.advance(10_001)
    expect(read.told).toEqual(['gap'])
    read.inbound.receive(envelopes.length + 1, hashPrefix(hashes.at(-1) as Uint8Array), [toEntry(lost as Uint8Array)])
    await readAll(read)
    await read.clock.advance(250)
    expect(read.doc.getText('text').toString() === words).toBe(true)
    expect(read.inbound.isHolding).toBe(false)
  })
})
