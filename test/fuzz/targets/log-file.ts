import { readFileSync, writeFileSync } from 'node:fs'
import {
  Failure,
  Inspector,
  LogFileWriter,
  loadLogFile,
  readLogFile,
  replaySocketOf,
  type SealedLog,
} from '@y-sealed/cli'
import { createEpochRecord, recordHash } from '@y-sealed/envelope'
import {
  checkpointHash,
  chunkHash,
  type Down,
  type Entry,
  encodeFrame,
  hashPrefix,
  leafHash,
  nextHash,
  type Place,
  startHash,
  type Up,
} from '@y-sealed/protocol'
import { EnvelopeKind, encodeHeader } from '@y-sealed/protocol/header'
import { below, pick } from '../../support/random.ts'
import { join } from '../mutate.ts'
import { codeOf, type Target } from '../target.ts'
import { withFolder } from './folders.ts'
import { knownKeys } from './known-keys.ts'

const NOTHING = new Uint8Array(0)

/** What `y-sealed fetch` has written, damaged on its way, or made by somebody who means harm. */
export const logFile: Target = {
  name: 'log-file',
  promise: 'is read, inspected and shown to a provider as a log, or refused by a code',
  sampleCases: 600,
  mustMeet: ['accepted', 'faults', 'malformed'],
  async open() {
    const seed = await aFile()
    const frames = framesOf(seed)
    const head = seed.subarray(0, seed.indexOf(0x0a) + 1)
    return {
      seeds: [seed],
      // Frames that are good one by one, in an order in which nobody sent them.
      invent(random) {
        if (below(random, 2) === 0) return undefined
        const chosen = Array.from({ length: below(random, 8) }, () => pick(random, frames))
        return join(
          head,
          ...(below(random, 2) === 0 ? frames.slice(0, 1 + below(random, 3)) : []),
          ...chosen,
          frames.at(-1) ?? NOTHING,
        )
      },
      check: (input) =>
        withFolder(async (path) => {
          writeFileSync(path, input)
          try {
            const { log } = await loadLogFile(path)
            const inspector = new Inspector()
            await readLogFile(path, (message) => inspector.take(message))
            await show(log)
            return inspector.report().faults.length === 0 ? 'accepted' : 'faults'
          } catch (error) {
            return codeOf(error, Failure, ['malformed'])
          }
        }),
    }
  },
}

/** Asks for everything that a provider asks for. */
async function show(log: SealedLog): Promise<void> {
  const socket = new (replaySocketOf(log))('ws://localhost')
  const asked = { channel: 1, request: 1 }
  const ups: Up[] = [
    { type: 'join', channel: 1, room: 'room', token: '', params: {}, cursor: 0, hash: NOTHING, observe: false },
    { type: 'read', ...asked, after: log.after, to: 0 },
    { type: 'read', ...asked, after: log.after + 1, to: log.through + 1 },
    ...log.records.map((record): Up => ({ type: 'checkpoints', ...asked, record: recordHash(record) })),
    ...[log.joined.newest, log.joined.base].flatMap((place): Up[] =>
      place === undefined ? [] : [{ type: 'fetch', ...asked, checkpoint: place.checkpoint, first: 1, last: 0 }],
    ),
  ]
  for (const up of ups) socket.send(new Uint8Array(encodeFrame([up])))
  await new Promise(setImmediate)
}

/** Two epochs, the second of which began with a checkpoint and has another one since. */
async function aFile(): Promise<Uint8Array> {
  const keys = await knownKeys()
  const first = await createEpochRecord(keys, { index: 0 })
  const before = [1, 2, 3].map((counter) => entryOf(EnvelopeKind.update, 0, counter))
  const prevHash = hashAfter(startHash(recordHash(first)), before)
  const [beginning, later] = [chunksOf(1), chunksOf(3)]
  const next = await knownKeys(undefined, { keyHint: 'hint-1', nonce: new Uint8Array(16).fill(9) })
  const second = await createEpochRecord(next, {
    ...{ index: 1, prevRecord: recordHash(first), previousKeys: keys, prevSequence: 3, prevHash },
    ...{ prevCheckpoint: new Uint8Array(32), checkpoint: nameOf(beginning) },
  })
  const start = startHash(recordHash(second))
  const after = [1, 2, 3, 4].map((counter) =>
    entryOf(counter === 3 ? EnvelopeKind.witness : EnvelopeKind.update, 1, counter),
  )
  const base = placeOf(beginning, 3, start)
  const newest = placeOf(later, 5, hashAfter(start, after.slice(0, 2)))
  const hash = hashPrefix(hashAfter(start, after))
  const channel = 1
  const said = { session: 1, role: 'read', sequence: 7, hash, confirmed: false, pruned: 0 } as const
  const messages: Down[] = [
    { type: 'records', channel, records: [first] },
    { type: 'joined', channel, ...said, newest, base, records: [second] },
    { type: 'checkpoints', channel, request: 1, places: [] },
    { type: 'checkpoints', channel, request: 2, places: [base, newest] },
    { type: 'checkpoint', channel, request: 3, first: 1, total: 1, chunks: beginning },
    { type: 'checkpoint', channel, request: 4, first: 1, total: 3, chunks: later.slice(0, 2) },
    { type: 'checkpoint', channel, request: 4, first: 3, total: 3, chunks: later.slice(2) },
    { type: 'entries', channel, first: 1, hashBefore: hashPrefix(startHash(recordHash(first))), entries: before },
    { type: 'entries', channel, first: 4, hashBefore: hashPrefix(start), entries: after.slice(0, 2) },
    { type: 'entries', channel, first: 6, hashBefore: hashPrefix(newest.hash), entries: after.slice(2) },
  ]
  return withFolder(async (path) => {
    const file = await LogFileWriter.create(path, { room: 'room', fetchedAtUnixMs: 0 })
    for (const message of messages) await file.take(message)
    await file.finish(7, hash)
    return new Uint8Array(readFileSync(path))
  })
}

function entryOf(kind: EnvelopeKind, epochIndex: number, counter: number): Entry {
  const header = encodeHeader({ kind, epochIndex, salt: new Uint8Array(16).fill(5), counter })
  return { proof: NOTHING, envelope: join(header, new Uint8Array(40).fill(counter)) }
}

const chunksOf = (total: number): Uint8Array[] =>
  Array.from({ length: total }, (_, at) => entryOf(EnvelopeKind.checkpoint, 1, at + 1).envelope)

const nameOf = (chunks: readonly Uint8Array[]): Uint8Array => checkpointHash(chunks.map(chunkHash))

const placeOf = (chunks: readonly Uint8Array[], sequence: number, hash: Uint8Array): Place => ({
  ...{ checkpoint: nameOf(chunks), sequence, hash },
  bytes: chunks.reduce((sum, { length }) => sum + length, 0),
})

const hashAfter = (hash: Uint8Array, entries: readonly Entry[]): Uint8Array =>
  entries.reduce((before, { proof, envelope }) => nextHash(before, leafHash(proof, envelope)), hash)

/** Each with its length. */
function framesOf(file: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = []
  const view = new DataView(file.buffer, file.byteOffset)
  for (let at = file.indexOf(0x0a) + 1; at < file.length; ) {
    const end = at + 4 + view.getUint32(at)
    frames.push(file.subarray(at, end))
    at = end
  }
  return frames
}
