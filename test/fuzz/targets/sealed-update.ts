import {
  createSealer,
  deriveEpochKeys,
  EnvelopeKind,
  type EpochKeys,
  parseDocumentKey,
  parseEpochRecord,
  type Sealer,
} from '@y-sealed/envelope'
import * as Y from 'yjs'
import { RawClient } from '../../scenario/relay-raw-client.ts'
import { untilEqual } from '../../support/convergence.ts'
import { patiently, untilText } from '../../support/events.ts'
import { headOf } from '../../support/lies.ts'
import { type Person, startWorld, type World } from '../../support/world.ts'
import { join, mutate } from '../mutate.ts'
import { within } from '../read-room.ts'
import { promised, type Target } from '../target.ts'

/** A thousand cases are 200,000 updates. */
const UPDATES_PER_CASE = 200

/** Of one append: below the megabyte that a request may have. */
const UPDATES_PER_APPEND = 100

/** The client of the real document whose words the mutated ones are about, and one who is not there. */
const REAL_CLIENT = 1_001
const OTHER_CLIENT = 2_002

/** What a member's fault may be told as, and nothing of ours or of the relay's. */
const TOLD = ['member-fault', 'fork', 'gap', 'limit']

/** length (u16be) ‖ update, again and again: Yjs updates that a member has sealed with the right key (attack D1). */
export const sealedUpdate: Target = {
  name: 'sealed-update',
  promise: 'whatever a member seals as an update, the others can go on editing and have the same document',
  sampleCases: 2,
  mustMeet: ['editable and equal'],
  async open() {
    const seeds = realUpdates()
    return {
      // As many as a case that is made update by update.
      seeds: [
        join(...Array.from({ length: UPDATES_PER_CASE }, (_, i) => prefixed(seeds[i % seeds.length] as Uint8Array))),
      ],
      invent: (random) => join(...Array.from({ length: UPDATES_PER_CASE }, () => prefixed(mutate(random, seeds)))),
      check: appendAll,
    }
  },
}

async function appendAll(input: Uint8Array): Promise<string> {
  const world = await startWorld()
  try {
    const doc = new Y.Doc()
    doc.clientID = REAL_CLIENT
    const alice = await world.joined('Alice', { doc, expects: TOLD })
    edit(doc)
    await patiently(alice.provider.flush(), 'the real document to be durable')
    const bob = await world.joined('Bob', { expects: TOLD })
    await sealAndAppend(world, updatesOf(input))
    await stillWork(world, alice, bob)
    return 'editable and equal'
  } finally {
    await world.close()
  }
}

async function stillWork(world: World, alice: Person, bob: Person): Promise<void> {
  alice.doc.getText('of Alice').insert(0, 'still here')
  bob.doc.getText('of Bob').insert(0, 'so am I')
  await untilText(bob.doc, 'still here', 'of Alice')
  await untilText(alice.doc, 'so am I', 'of Bob')
  await patiently(Promise.all([alice.provider.flush(), bob.provider.flush()]), 'their words to be durable')
  await untilEqual([alice.doc, bob.doc], 'Alice and Bob to have the same')
  const reader = await world.joined('reader', { expects: TOLD })
  await untilEqual([alice.doc, reader.doc], 'a fresh reader to have the same')
  for (const { problems, name } of [alice, bob, reader]) {
    const strange = problems.find(({ code }) => !TOLD.includes(code))
    promised(strange === undefined, `${name} met ${strange?.code}: ${strange?.message}`)
  }
}

/** What a member appends who has the key, and a client of its own. */
async function sealAndAppend(world: World, updates: readonly Uint8Array[]): Promise<void> {
  const head = await headOf(world)
  const client = await within(RawClient.connect(world.relayUrl), 'a greeting')
  try {
    await within(client.join('room'), 'a join')
    const sealer = await createSealer(await keysOf(world, head.record), { epochIndex: 0 })
    for (let at = 0; at < updates.length; at += UPDATES_PER_APPEND) {
      const some = updates.slice(at, at + UPDATES_PER_APPEND)
      const answer = await within(client.append(some.flatMap((update) => seal(sealer, update, head))), 'an ack')
      promised(answer.type === 'ack', 'a member may append')
    }
  } finally {
    client.end()
  }
}

function seal(sealer: Sealer, update: Uint8Array, birth: { sequence: number; hash: Uint8Array }): Uint8Array[] {
  const { sequence, hash } = birth
  return sealer.sealNow(EnvelopeKind.update, update, sealer.unborn ? { birth: { sequence, hash } } : {})
}

async function keysOf(world: World, record: Uint8Array): Promise<EpochKeys> {
  const parsed = parseEpochRecord(record)
  // What our own endpoint answers has a key.
  const { key } = (await world.keys({ documentId: 'room', keyHint: parsed.keyHint })) as { key: string }
  return deriveEpochKeys(parseDocumentKey(key), { ...parsed, documentId: 'room' })
}

/** A little of everything that Yjs has. */
function edit(doc: Y.Doc): void {
  doc.getText('text').insert(0, 'The quick brown fox')
  doc.getText('text').format(4, 5, { bold: true })
  doc.getText('text').delete(0, 4)
  doc.getMap('map').set('name', 'value')
  doc.getMap('map').set('nested', new Y.Map([['deep', new Y.Array()]]))
  doc.getMap('map').delete('name')
  doc.getArray('array').insert(0, [1, 'two', { three: 3 }, null, new Uint8Array([4]), true])
  doc.getArray('array').delete(1, 2)
  const paragraph = new Y.XmlElement('p')
  paragraph.setAttribute('class', 'first')
  doc.getXmlFragment('xml').insert(0, [paragraph])
  paragraph.insert(0, [new Y.XmlText('words')])
}

/** The same edits, one update each, by the client who made them and by one who did not. */
function realUpdates(): Uint8Array[] {
  return [REAL_CLIENT, OTHER_CLIENT].flatMap((client) => {
    const doc = new Y.Doc()
    doc.clientID = client
    const updates: Uint8Array[] = []
    doc.on('update', (update: Uint8Array) => void updates.push(update))
    edit(doc)
    return [...updates, Y.encodeStateAsUpdate(doc)]
  })
}

function prefixed(update: Uint8Array): Uint8Array {
  return join(Uint8Array.of(update.length >> 8, update.length & 0xff), update)
}

function updatesOf(input: Uint8Array): Uint8Array[] {
  const updates: Uint8Array[] = []
  for (let at = 0; at + 2 <= input.length; ) {
    const end = Math.min(input.length, at + 2 + ((input[at] ?? 0) << 8) + (input[at + 1] ?? 0))
    updates.push(input.subarray(at + 2, end))
    at = end
  }
  return updates
}
