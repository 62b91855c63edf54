import { createRelay, type Log, type Relay, RelayError } from '@y-sealed/relay'
import { FakeSealer, fakeCheckpoint, fakeRecord, nameOf, RawClient } from '../../scenario/relay-raw-client.ts'
import { below } from '../../support/random.ts'
import { type ReadRoom, readRoom, recordAfter, within } from '../read-room.ts'
import { codeOf, promised, sameBytes, type Target } from '../target.ts'
import { editedImage, type Image, inventEdits } from './file-edits.ts'
import { imageOf, withFolder, withImage } from './folders.ts'

const ROOMS = ['one', 'two', 'three']
const NO_LOG: Log = { info() {}, warn() {}, error() {} }

/** The relay's database and its journal, damaged on the disk. */
export const relayFile: Target = {
  name: 'relay-file',
  promise: 'the relay says that it cannot, or what it says fits together and is true; an ack is an ack',
  sampleCases: 16,
  mustMeet: ['accepted', 'storage'],
  async open() {
    const { images, truth } = await withFolder(writeRooms)
    return {
      seeds: images.map((_, i) => Uint8Array.of(i, 0)),
      invent: (random) => (below(random, 8) === 0 ? undefined : inventEdits(random)),
      check: (input) => withImage(editedImage(images, input), (folder) => startOn(folder, truth)),
    }
  },
}

async function startOn(folder: string, truth: ReadonlyMap<string, ReadRoom>): Promise<string> {
  let relay: Relay
  try {
    relay = await createRelay({ data: folder, port: 0, log: NO_LOG })
  } catch (error) {
    return codeOf(error, RelayError, ['storage'])
  }
  try {
    const decisions: string[] = []
    for (const [room, whole] of truth) decisions.push(await lookAt({ url: relay.url, folder }, room, whole))
    return decisions.find((each) => each !== 'accepted') ?? 'accepted'
  } finally {
    // What could be said of it has been said to those who asked.
    await relay.close().catch(() => {})
  }
}

interface Damaged {
  readonly url: string
  readonly folder: string
}

async function lookAt({ url, folder }: Damaged, room: string, whole: ReadRoom): Promise<string> {
  const read = await readRoom(url, room)
  if (typeof read === 'string') return 'noticed'
  if (!read.fits) return 'noticed'
  promised(isBeginning(read, whole), `the log of ${room} fits together and is another`)
  const acked = await append(url, room, read)
  const after = await readRoom(url, room)
  if (acked) {
    // A damaged page of another room may stand in the way of moving it out of the journal: it is refused then, and kept.
    if (typeof after === 'string') promised(isKept(folder, acked), `acked in ${room}, and not on the disk`)
    else promised(after.sequence === read.sequence + 1, `acked in ${room}, and not there`)
  }
  if (typeof after === 'string') return 'noticed'
  return read.entries.length === whole.entries.length ? 'accepted' : 'an older state'
}

/** What was read is what there was, or the beginning of it: what a backup would have. */
function isBeginning(read: ReadRoom, whole: ReadRoom): boolean {
  const isSame = (a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean =>
    a.length <= b.length && a.every((bytes, i) => sameBytes(bytes, b[i] as Uint8Array))
  return isSame(read.records, whole.records) && isSame(read.entries, whole.entries)
}

/** Whether a file of the folder has the bytes of this envelope. */
function isKept(folder: string, envelope: Uint8Array): boolean {
  return [...imageOf(folder).values()].some((file) => Buffer.from(file).includes(Buffer.from(envelope)))
}

/** The envelope that was appended, if that was acked. */
async function append(url: string, room: string, { records }: ReadRoom): Promise<Uint8Array | undefined> {
  if (records.length === 0) return undefined
  const client = await within(RawClient.connect(url), 'a greeting')
  try {
    const joined = await within(
      client.join(room).catch(() => undefined),
      'a join',
    )
    if (joined === undefined) return undefined
    const epochIndex = (records.at(-1) as Uint8Array)[3] ?? 0
    const envelope = new FakeSealer(epochIndex).seal()
    const answer = await within(
      client.append([envelope]).catch(() => undefined),
      'an append',
    )
    return answer?.type === 'ack' ? envelope : undefined
  } finally {
    client.end()
  }
}

/** Three rooms: with one epoch and appends in the journal; with two epochs and a checkpoint; with a compaction. */
async function writeRooms(folder: string): Promise<{ images: Image[]; truth: Map<string, ReadRoom> }> {
  const relay = await createRelay({ data: folder, port: 0, log: NO_LOG, retention: 'all' })
  for (const room of ROOMS) await writeRoom(relay.url, room)
  const truth = new Map<string, ReadRoom>()
  for (const room of ROOMS) {
    const read = await readRoom(relay.url, room)
    if (typeof read === 'string') throw new Error(`a relay that is whole refuses its log: ${read}`)
    truth.set(room, read)
  }
  const writer = await RawClient.connect(relay.url)
  await writer.join('one')
  const sealer = new FakeSealer()
  // The newest stand in the journal only.
  for (let entry = 0; entry < 5; entry++) await writer.append([sealer.seal()])
  writer.end()
  const died = imageOf(folder)
  const read = await readRoom(relay.url, 'one')
  if (typeof read !== 'string') truth.set('one', read)
  await relay.close()
  return { images: [died, imageOf(folder)], truth }
}

async function writeRoom(url: string, room: string): Promise<void> {
  const client = await RawClient.connect(url)
  await client.join(room)
  const record = fakeRecord()
  const sealer = new FakeSealer()
  await client.open(record, [sealer.seal()])
  for (let entry = 0; entry < 20; entry++) await client.append([sealer.seal(40 + entry * 10), sealer.seal()])
  if (room === 'two') {
    const next = new FakeSealer(1)
    const before = await readRoom(url, room)
    if (typeof before === 'string') throw new Error(before)
    await client.rotate(recordAfter(before), record, { chunks: fakeCheckpoint(1, 2), envelopes: [next.seal()] })
    for (let entry = 0; entry < 5; entry++) await client.append([next.seal()])
  }
  if (room === 'three') {
    const head = await readRoom(url, room)
    if (typeof head === 'string') throw new Error(head)
    const lease = await client.lease(record, 'checkpoint')
    const chunks = fakeCheckpoint(0, 3)
    const covers = { sequence: head.sequence, hash: head.hash, checkpoint: nameOf(chunks) }
    await client.compact(lease.request, covers, chunks)
    await client.append([sealer.seal()])
  }
  client.end()
}
