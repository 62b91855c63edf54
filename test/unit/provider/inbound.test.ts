import { createEpochRecord, createSealer, deriveEpochKeys, EnvelopeKind, parseDocumentKey } from '@y-sealed/envelope'
import { systemClock } from '@y-sealed/key-client'
import { hashPrefix, startHash } from '@y-sealed/protocol'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { emptyStart } from '../../../packages/provider/src/checkpoint/epoch-load.ts'
import { readRecord } from '../../../packages/provider/src/epoch/chained-epoch.ts'
import { Inbound, type InboundPorts } from '../../../packages/provider/src/inbound/inbound.ts'
import { LogState } from '../../../packages/provider/src/log-state/log-state.ts'
import { Problems } from '../../../packages/provider/src/problems.ts'
import { patiently } from '../../support/events.ts'
import { settle } from '../../support/fake-clock.ts'
import { answersDuring } from '../../support/impatient-user.ts'

// Taken in one task of a page; four such make a run.
const PER_TURN = 128
const RUN_ENTRIES = 4 * PER_TURN

/** Opening takes turns of its own. */
async function read(reader: Inbound, sequence: number): Promise<void> {
  while (reader.cursor < sequence) await settle()
}

async function epochWithEntries(count: number, words = 'hello') {
  const keys = await deriveEpochKeys(parseDocumentKey('a-key-that-nobody-guesses-0123456789'), {
    documentId: 'doc',
    keyHint: '',
    suite: 1,
    stretch: 0,
    nonce: new Uint8Array(16),
    ext: new Uint8Array(0),
  })
  const sealer = await createSealer(keys, { epochIndex: 0 })
  const writer = new Y.Doc()
  const updates: Uint8Array[] = []
  writer.on('update', (update: Uint8Array) => updates.push(update))
  for (let i = 0; i < count; i++) writer.getText('text').insert(words.length * i, words)
  const birth = { sequence: 0, hash: new Uint8Array(32) }
  const sealed = updates.map((update) => sealer.seal(EnvelopeKind.update, update, sealer.unborn ? { birth } : {}))
  const envelopes = (await Promise.all(sealed)).flat()
  const chained = readRecord(await createEpochRecord(keys, { index: 0 }))
  const epoch = { ...chained, index: 0, keyHint: '', startHash: startHash(chained.hash), keys }
  return { epoch, entries: envelopes.map((envelope) => ({ proof: new Uint8Array(0), envelope })) }
}

function inbound() {
  const doc = new Y.Doc()
  const logState = new LogState()
  const told: string[] = []
  const ports: InboundPorts = {
    doc,
    origin: {},
    logState,
    problems: new Problems(systemClock, ({ code }) => told.push(code)),
    clock: systemClock,
    ownSalt: () => undefined,
    onProgress: () => {},
    onBegin: () => {},
    onTaken: () => {},
    onLogged: () => {},
    onWritten: () => {},
    onFreshId: () => {},
    onSettled: () => {},
    reread: () => told.push('reread'),
    onForeignContent: () => {},
    onRelayFault: (message) => told.push(message),
    onOpenFailed: () => told.push('open failed'),
  }
  return { doc, logState, told, inbound: new Inbound(ports) }
}

it('a platform whose crypto fails is told of; the entry waits, and is taken when it works again', async () => {
  const { epoch, entries } = await epochWithEntries(1)
  const { doc, told, inbound: reader } = inbound()
  let isBroken = true
  const keys = {
    ...epoch.keys,
    openingKey: (...args: Parameters<typeof epoch.keys.openingKey>) =>
      isBroken ? Promise.reject(new Error('engine failed')) : epoch.keys.openingKey(...args),
  }
  reader.begin({ ...epoch, keys }, emptyStart(epoch))
  reader.receive(1, hashPrefix(epoch.startHash), entries)
  await settle()
  expect([told, reader.cursor]).toEqual([['open failed'], 0])
  isBroken = false
  reader.drain()
  await settle()
  expect([told.slice(1), reader.cursor]).toEqual([[], 1])
  expect(doc.getText('text').toString()).toBe('hello')
})

it('after stop() nobody is told of anything', async () => {
  const { epoch, entries } = await epochWithEntries(1)
  const { told, inbound: reader } = inbound()
  reader.begin(
    { ...epoch, keys: { ...epoch.keys, openingKey: () => Promise.reject(new Error('engine failed')) } },
    emptyStart(epoch),
  )
  reader.receive(1, hashPrefix(epoch.startHash), entries)
  reader.stop()
  await settle()
  expect(told).toEqual([])
})

it('a page that reads a long log answers its user after every hundred entries or so', async () => {
  const { epoch, entries } = await epochWithEntries(8 * RUN_ENTRIES)
  const { doc, inbound: reader } = inbound()
  reader.begin(epoch, emptyStart(epoch))
  const isRead = new Promise<void>((resolve) => {
    doc.on('update', () => {
      if (doc.getText('text').length === 5 * entries.length) resolve()
    })
  })
  const answers = await answersDuring(() => {
    reader.receive(1, hashPrefix(epoch.startHash), entries)
    return isRead
  })
  expect(answers).toBeGreaterThanOrEqual(8 * (RUN_ENTRIES / PER_TURN) - 1)
})

it('and takes no more of it once the session is over', async () => {
  const { epoch, entries } = await epochWithEntries(4 * RUN_ENTRIES)
  const { doc, inbound: reader } = inbound()
  reader.begin(epoch, emptyStart(epoch))
  doc.once('update', () => reader.stop())
  reader.receive(1, hashPrefix(epoch.startHash), entries)
  await settle()
  await settle()
  expect(reader.cursor).toBe(PER_TURN)
})

it('and nothing behind the end of the epoch, also where that becomes known in the middle', async () => {
  const { epoch, entries } = await epochWithEntries(RUN_ENTRIES)
  const { doc, told, inbound: reader } = inbound()
  reader.begin(epoch, emptyStart(epoch))
  const end = PER_TURN + 10
  doc.once('update', () => reader.stopAt(end))
  reader.receive(1, hashPrefix(epoch.startHash), entries)
  await patiently(read(reader, end), 'the last entries of the epoch')
  await settle()
  expect([reader.cursor, reader.isIdle, told]).toEqual([end, false, []])
})

it('and begins anew in the middle of it, with nothing twice', async () => {
  const { epoch, entries } = await epochWithEntries(RUN_ENTRIES)
  const { doc, told, inbound: reader } = inbound()
  reader.begin(epoch, emptyStart(epoch))
  doc.once('update', () => {
    reader.forgetWaiting()
    setImmediate(() => reader.receive(PER_TURN + 1, hashPrefix(reader.hash), entries.slice(PER_TURN)))
  })
  reader.receive(1, hashPrefix(epoch.startHash), entries)
  await patiently(read(reader, entries.length), 'all of it')
  expect([doc.getText('text').length, told]).toEqual([5 * entries.length, []])
})

it('who has read the first part of an update and not the last stands where no checkpoint may', async () => {
  const long = 'x'.repeat(600_000)
  const { epoch, entries } = await epochWithEntries(1, long)
  const { doc, inbound: reader } = inbound()
  reader.begin(epoch, emptyStart(epoch))
  reader.receive(1, hashPrefix(epoch.startHash), entries.slice(0, -1))
  await patiently(read(reader, entries.length - 1), 'the first parts')
  expect([reader.isInParts, reader.isHolding, doc.getText('text').length]).toEqual([true, false, 0])
  reader.receive(entries.length, hashPrefix(reader.hash), entries.slice(-1))
  await patiently(read(reader, entries.length), 'the last part')
  expect([reader.isInParts, doc.getText('text').length]).toEqual([false, long.length])
})

it('whoever begins anew holds nothing of the log that was read before', async () => {
  const { epoch, entries } = await epochWithEntries(1)
  const { logState, inbound: reader } = inbound()
  reader.begin(epoch, emptyStart(epoch))
  reader.receive(1, hashPrefix(epoch.startHash), entries)
  await patiently(read(reader, 1), 'the entry')
  expect(logState.isEmpty).toBe(false)
  reader.begin(epoch, emptyStart(epoch))
  expect([logState.isEmpty, reader.cursor]).toEqual([true, 0])
})
