import {
  createEpochRecord,
  createSealer,
  deriveEpochKeys,
  EnvelopeKind,
  type EpochKeys,
  openEnvelope,
  parseDocumentKey,
  parseEpochRecord,
  recordHash,
} from '@y-sealed/envelope'
import { type Down, hashPrefix, leafHash, nextHash, startHash } from '@y-sealed/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { untilEqual } from '../support/convergence.ts'
import { patiently, until, untilTrue } from '../support/events.ts'
import { settle } from '../support/fake-clock.ts'
import { codesOf } from '../support/steps.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// Mallory was a member. He has every old key, a copy of everything that the relay has, and the relay does what he says.

let world: World
let isMalloryRemoved = false
afterEach(() => world.close())

const NO_PROOF = new Uint8Array(0)

async function start(): Promise<void> {
  isMalloryRemoved = false
  world = await startWorld({
    data: 'disk',
    access: (who) => (who === 'mallory' && isMalloryRemoved ? undefined : who === 'admin' ? 'admin' : 'write'),
  })
}

interface Mallory {
  /** Of the epoch in which he was a member. */
  readonly keys: EpochKeys
  readonly record: Uint8Array
  readonly key: string
  readonly keyHint: string
}

/** What a member can keep: the document key, and everything that it opens. */
async function mallory(): Promise<Mallory> {
  const [record = NO_PROOF] = await world.records()
  const parsed = parseEpochRecord(record)
  const answer = await world.keysAs('mallory')({ documentId: 'room', keyHint: parsed.keyHint })
  const { key } = answer as { key: string }
  const keys = await deriveEpochKeys(parseDocumentKey(key), { ...parsed, documentId: 'room' })
  return { keys, record, key, keyHint: parsed.keyHint }
}

/** He is removed at the endpoint, and the key is rotated there; the others' clients do the rest. */
async function remove(members: readonly Person[]): Promise<void> {
  isMalloryRemoved = true
  await world.keyAct('rotate')
  world.recheck()
  await patiently(
    Promise.all(
      members.map(({ provider, name }) => untilTrue(provider, 'epoch', () => provider.epoch?.index === 1, name)),
    ),
    'the new epoch',
  )
}

async function forgedEntry({ keys, record }: Mallory, text: string): Promise<Uint8Array> {
  const doc = new Y.Doc()
  doc.getText('text').insert(0, text)
  const sealer = await createSealer(keys, { epochIndex: 0 })
  const birth = { sequence: 0, hash: startHash(recordHash(record)) }
  const [envelope = NO_PROOF] = await sealer.seal(EnvelopeKind.update, Y.encodeStateAsUpdate(doc), { birth })
  return envelope
}

/** A record for the next epoch, made with what he has: the link is right, the key is his own choice. */
async function forgedRecord(
  by: Mallory,
  document: { key: string; keyHint: string; endpointEpoch?: number },
  index = 2,
) {
  const parameters = {
    documentId: 'room',
    keyHint: document.keyHint,
    suite: 1 as const,
    stretch: 0 as const,
    nonce: crypto.getRandomValues(new Uint8Array(16)),
    ext: new Uint8Array(0),
  }
  const keys = await deriveEpochKeys(parseDocumentKey(document.key), parameters)
  const record = await createEpochRecord(keys, {
    index,
    prevRecord: recordHash(by.record),
    previousKeys: by.keys,
    prevSequence: 0,
    prevHash: startHash(recordHash(by.record)),
    prevCheckpoint: new Uint8Array(32),
    ...(document.endpointEpoch === undefined ? {} : { endpointEpoch: document.endpointEpoch }),
  })
  return { keys, record }
}

/** Of the newest session. */
function documentChannel({ wire }: Person): number {
  const said = wire.sockets.flatMap(({ connection }) => world.capture.messages('down', connection))
  return said.findLast((message) => message.type === 'joined')?.channel ?? 0
}

describe('a removed member cannot read', () => {
  it('anything that is written after the new epoch: no entry, no checkpoint, no awareness, no frame', async () => {
    await start()
    const ada = await world.joined('ada')
    ada.text.insert(0, 'mallory may read this')
    await ada.provider.flush()
    const removed = await mallory()
    await remove([ada])
    const later: Uint8Array[] = []
    world.capture.onEnvelope(({ envelope }) => void later.push(envelope))
    ada.text.insert(0, world.canary('after-removal'))
    ada.provider.awareness.setLocalStateField('name', 'ada')
    await ada.provider.flush()
    await world.freshText()
    let tried = 0
    for (const envelope of later) {
      for (const final of [false, true]) {
        const opened = await openEnvelope(removed.keys, envelope, { final }).catch(() => undefined)
        expect(opened).toBeUndefined()
        tried++
      }
    }
    expect(new Set(later.map(([first = 0]) => first & 15))).toEqual(new Set([1, 2, 3]))
    expect(tried).toBeGreaterThan(4)
    await expect(world.keysAs('mallory')({ documentId: 'room', keyHint: null })).rejects.toMatchObject({
      code: 'key-refused',
    })
  })
})

describe('a removed member cannot write', () => {
  it('to an honest relay: an append of the old epoch is refused', async () => {
    await start()
    const ada = await world.joined('ada')
    const removed = await world.joined('mallory', { keys: world.keysAs('mallory'), expects: ['key-refused'] })
    await remove([ada])
    removed.text.insert(0, 'from outside')
    await untilTrue(removed.provider, 'problem', () => codesOf(removed).includes('key-refused'), 'the refusal')
    await settle()
    expect(await world.log()).toEqual([])
    expect(removed.provider.hasUnsyncedChanges).toBe(true)
    expect(removed.provider.synced).toBe(false)
    expect(ada.text.toString()).toBe('')
  })

  it('to a warm victim through the relay: old entries behind the new epoch are tampered, and nothing of them is applied', async () => {
    await start()
    const ada = await world.joined('ada', { expects: ['tampered', 'relay-fault'] })
    const by = await mallory()
    await remove([ada])
    const [socket] = ada.wire.openSockets
    const envelope = await forgedEntry(by, 'forged')
    const epoch = ada.provider.epoch
    expect(epoch?.index).toBe(1)
    const records = await world.records()
    const start1 = startHash(recordHash(records[1] ?? NO_PROOF))
    socket?.deliver([
      {
        type: 'entries',
        channel: documentChannel(ada),
        first: (await world.log()).length + 1,
        hashBefore: hashPrefix(start1),
        entries: [{ proof: NO_PROOF, envelope }],
      },
    ])
    await settle()
    ada.text.insert(0, 'honest')
    await ada.provider.flush()
    expect(ada.text.toString()).toBe('honest')
    expect(await world.freshText()).toBe('honest')
  })

  it('to a warm victim before it hears of the new epoch: what the relay slips in is told as a fork, and does not get into the document', async () => {
    await start()
    const ada = await world.joined('ada')
    const victim = await world.joined('victim', { expects: ['fork', 'relay-fault', 'rollback'] })
    ada.text.insert(0, 'real ')
    await ada.provider.flush()
    await untilEqual([ada.doc, victim.doc])
    victim.text.insert(5, 'and the victim’s own ')
    await victim.provider.flush()
    await untilEqual([ada.doc, victim.doc])
    const by = await mallory()
    // The relay holds back the record, and shows the victim an entry of the old epoch that nobody else gets.
    const held: Down[] = []
    victim.wire.rewrite('down', (messages) => {
      const through = (messages as Down[]).filter(({ type }) => type !== 'record' && type !== 'heartbeat')
      held.push(...(messages as Down[]).filter(({ type }) => type === 'record'))
      return through
    })
    isMalloryRemoved = true
    await world.keyAct('rotate')
    await ada.provider.rotateKey()
    const log = await world.log()
    const old = log.filter(({ envelope }) => envelope[1] === 0)
    const hash = old.reduce(
      (h, { envelope }) => nextHash(h, leafHash(NO_PROOF, envelope)),
      startHash(recordHash(by.record)),
    )
    const envelope = await forgedEntry(by, 'forged ')
    const [socket] = victim.wire.openSockets
    const applied = untilTrue(victim.doc, 'update', () => victim.text.toString().includes('forged'), 'the forgery')
    socket?.deliver([
      {
        type: 'entries',
        channel: documentChannel(victim),
        first: old.length + 1,
        hashBefore: hashPrefix(hash),
        entries: [{ proof: NO_PROOF, envelope }],
      },
    ])
    await patiently(applied, 'the forgery to be applied')
    const forked = until(victim.provider, 'fork')
    victim.wire.rewrite('down', undefined)
    socket?.deliver(held)
    await patiently(forked, 'the fork to be told')
    await untilTrue(victim.provider, 'epoch', () => victim.provider.epoch?.index === 1, 'the victim to go on')
    // At the end and at the beginning: one of them stands beside the forgery, wherever Yjs has put it.
    const [lone, beside] = victim.text.toString().startsWith('forged')
      ? [victim.text.length, 0]
      : [0, victim.text.length]
    victim.text.insert(lone, ' afterwards ')
    await victim.provider.flush()
    await settle()
    const text = await world.freshText()
    expect(text).not.toContain('forged')
    expect(text).toContain('real and the victim’s own ')
    expect(text).toContain(' afterwards ')
    expect(ada.text.toString()).toBe(text)
    // What leans on it could never be integrated by the others: it is not sent, and that is said.
    victim.text.insert(beside === 0 ? 0 : victim.text.length, 'leaning ')
    await expect(victim.provider.flush()).rejects.toMatchObject({ code: 'fork' })
    expect(victim.provider.hasUnsyncedChanges).toBe(true)
    expect(victim.text.toString()).toContain('leaning ')
    expect(await world.freshText()).toBe(text)
    // A checkpoint of the victim's document would bring the forgery in after all.
    await expect(victim.provider.rotateKey()).rejects.toMatchObject({ code: 'fork' })
    expect(codesOf(victim)).toContain('fork')
  })

  it.each([
    [
      'under a key that it still has: its hint was used before',
      (by: Mallory) => ({ key: by.key, keyHint: by.keyHint }),
    ],
    [
      'under that key, with a number that the endpoint never gave',
      (by: Mallory) => ({ key: by.key, keyHint: by.keyHint, endpointEpoch: 4_000_000_000_000_000 }),
    ],
    [
      'under a key of its own: the endpoint does not know the hint',
      () => ({ key: '0123456789abcdefghijklmnopqrstuvwxyz', keyHint: 'invented' }),
    ],
  ])('an epoch of its own %s', async (_, choose) => {
    await start()
    const ada = await world.joined('ada', { expects: ['relay-fault', 'key-unknown', 'fork'] })
    const by = await mallory()
    const { record } = await forgedRecord(by, choose(by), 1)
    const before = ada.provider.epoch
    const [socket] = ada.wire.openSockets
    const told = until(ada.provider, 'problem')
    socket?.deliver([
      {
        type: 'record',
        channel: documentChannel(ada),
        record,
        sequence: 1,
        hash: hashPrefix(startHash(recordHash(record))),
      },
    ])
    await patiently(told, 'the forged record to be told')
    expect(ada.provider.epoch).toEqual(before)
    // The relay becomes honest: a new join shows what is really there.
    ada.wire.cut()
    await patiently(
      untilTrue(ada.provider, 'sync', () => ada.provider.synced, 'ada'),
      'ada to be back',
    )
    ada.text.insert(0, 'goes on')
    await ada.provider.flush()
    expect(await world.freshText()).toBe('goes on')
  })
})

describe('a cold victim, to whom the relay shows the document as it was before the removal', () => {
  /** The relay goes back to a copy, into which Mallory has appended what he likes. */
  async function goBack(): Promise<void> {
    const ada = await world.joined('ada')
    ada.text.insert(0, 'old ')
    await ada.provider.flush()
    const by = await world.joined('mallory', { keys: world.keysAs('mallory') })
    by.text.insert(0, 'forged ')
    await by.provider.flush()
    by.provider.destroy()
    await world.stopRelay()
    const restore = world.backup()
    await world.startRelay()
    await untilTrue(ada.provider, 'sync', () => ada.provider.synced, 'ada to be back')
    await remove([ada])
    await untilTrue(ada.provider, 'sync-status', () => !ada.provider.hasUnsyncedChanges, 'ada')
    const epoch = ada.provider.epoch
    const isKept = async (): Promise<boolean> => {
      const answer = await world.keys({ documentId: 'room', keyHint: epoch?.keyHint ?? null })
      return typeof (answer as { record?: unknown }).record === 'string'
    }
    while (!(await isKept())) await settle()
    ada.provider.destroy()
    await world.stopRelay()
    restore()
    await world.startRelay()
  }

  it('is told by an endpoint that answers `record`, before anything is applied or sealed', async () => {
    await start()
    await goBack()
    const victim = world.person('victim', { expects: ['rollback'] })
    victim.text.insert(0, 'secret from mallory')
    await patiently(until(victim.provider, 'rollback'), 'the rollback to be told')
    expect(victim.text.toString()).toBe('secret from mallory')
    expect(victim.provider.synced).toBe(false)
    await settle()
    expect((await world.log()).length).toBe(2)
  })

  it('is not told by a plain endpoint: that is the weaker mode, said in SECURITY.md', async () => {
    await start()
    await goBack()
    const plain = async (request: { documentId: string; keyHint: string | null }) => {
      const { key, keyHint } = (await world.keys(request)) as { key: string; keyHint?: string }
      return { key, ...(keyHint === undefined ? {} : { keyHint }) }
    }
    const victim = await world.joined('victim', { keys: plain })
    expect(victim.text.toString()).toContain('forged')
    expect(victim.provider.epoch?.index).toBe(0)
  })

  it('whom the relay shows a record of Mallory’s making in place of the true one is told of a fork', async () => {
    await start()
    const ada = await world.joined('ada')
    ada.text.insert(0, 'old ')
    await ada.provider.flush()
    const by = await mallory()
    await remove([ada])
    const { record } = await forgedRecord(by, { key: by.key, keyHint: by.keyHint }, 5)
    const victim = world.person('victim', { expects: ['fork'], connect: false })
    victim.wire.rewrite('down', (messages) =>
      (messages as Down[]).map((message) => (message.type === 'joined' ? { ...message, records: [record] } : message)),
    )
    const told = until(victim.provider, 'fork')
    victim.provider.connect()
    await patiently(told, 'the fork to be told')
    expect(victim.text.toString()).toBe('')
    expect(victim.provider.synced).toBe(false)
  })
})
