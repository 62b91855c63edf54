import {
  createEpochRecord,
  createSealer,
  deriveEpochKeys,
  EnvelopeKind,
  type EpochKeys,
  parseDocumentKey,
  type Sealer,
} from '@y-sealed/envelope'
import { systemClock } from '@y-sealed/key-client'
import { type Down, type Entry, hashPrefix, leafHash, nextHash, startHash, type Up } from '@y-sealed/protocol'
import * as Y from 'yjs'
import { documentDigest } from '../../../packages/provider/src/checkpoint/document-digest.ts'
import { sealCheckpoint } from '../../../packages/provider/src/checkpoint/seal-checkpoint.ts'
import { type ChainedEpoch, readRecord } from '../../../packages/provider/src/epoch/chained-epoch.ts'
import { hex } from '../../../packages/provider/src/hex.ts'
import { History } from '../../../packages/provider/src/history/history.ts'
import type { HistoryPorts } from '../../../packages/provider/src/history/history-ports.ts'
import { Problems } from '../../../packages/provider/src/problems.ts'
import { FakeClock } from '../../support/fake-clock.ts'

export const FIRST_EPOCH_UNIX_MS = Date.UTC(2030, 0, 1)
const HOUR_MS = 3_600_000
const NO_PROOF = new Uint8Array(0)

/** A document's log through several epochs, and the text after each sequence. */
export class PastLog {
  readonly doc = new Y.Doc()
  readonly entries: Entry[] = []
  readonly chain: ChainedEpoch[] = []
  /** Chunks, by the checkpoint's hash. */
  readonly checkpoints = new Map<string, Uint8Array[]>()
  /** H after each sequence; index 0 is unused. */
  readonly hashes: Uint8Array[] = [new Uint8Array(32)]
  readonly texts: string[] = ['']
  #keys: EpochKeys | undefined
  #sealer: Sealer | undefined
  #hash: Uint8Array = new Uint8Array(32)
  #sealedVector: Uint8Array = Y.encodeStateVector(new Y.Doc())

  get text(): Y.Text {
    return this.doc.getText('t')
  }

  get newest(): ChainedEpoch {
    const newest = this.chain.at(-1)
    if (newest === undefined) throw new Error('no epoch')
    return newest
  }

  get end() {
    return { sequence: this.entries.length, hash: this.#hash }
  }

  keysOf(epoch: ChainedEpoch): EpochKeys {
    if (epoch.keys === undefined) throw new Error('no keys')
    return epoch.keys
  }

  /** Opens the next epoch, with a checkpoint of what the document holds, if anything. */
  async rotate(): Promise<void> {
    const index = this.chain.length
    const keys = await deriveEpochKeys(parseDocumentKey(`a-key-that-nobody-guesses-0123456789-${index}`), {
      documentId: 'doc',
      keyHint: `key ${index}`,
      suite: 1,
      stretch: 0,
      nonce: new Uint8Array(16).fill(index),
      ext: new Uint8Array(0),
    })
    const previous = this.chain.at(-1)
    const update = Y.encodeStateAsUpdate(this.doc)
    const checkpoint =
      index === 0
        ? undefined
        : await sealCheckpoint({
            keys,
            epochIndex: index,
            padding: true,
            clock: systemClock,
            manifest: {
              sequence: this.entries.length,
              hash: this.#hash,
              previous: undefined,
              digest: await documentDigest(update),
              unixMs: FIRST_EPOCH_UNIX_MS + index * HOUR_MS,
            },
            update,
          })
    const record = await createEpochRecord(keys, {
      index,
      ...(checkpoint && { checkpoint: checkpoint.hash }),
      ...(previous && {
        prevRecord: previous.hash,
        previousKeys: this.keysOf(previous),
        prevSequence: this.entries.length,
        prevHash: this.#hash,
        prevCheckpoint: previous.parsed.checkpoint,
      }),
    })
    const chained = readRecord(record)
    this.chain.push({ ...chained, keys })
    if (checkpoint !== undefined) this.checkpoints.set(hex(checkpoint.hash), checkpoint.chunks)
    this.#keys = keys
    this.#hash = startHash(chained.hash)
    await this.newSealer()
  }

  async newSealer(): Promise<void> {
    if (this.#keys === undefined) throw new Error('no epoch')
    this.#sealer = await createSealer(this.#keys, { epochIndex: this.chain.length - 1 })
  }

  /** Types something, and appends it. */
  async type(words: string): Promise<void> {
    this.text.insert(this.text.length, words)
    for (const envelope of await this.seal()) this.append(envelope)
  }

  /** What the document has that was not sealed yet. */
  async seal(): Promise<Uint8Array[]> {
    const update = Y.encodeStateAsUpdate(this.doc, this.#sealedVector)
    this.#sealedVector = Y.encodeStateVector(this.doc)
    return this.sealBody(EnvelopeKind.update, update)
  }

  async sealBody(kind: EnvelopeKind, body: Uint8Array): Promise<Uint8Array[]> {
    if (this.#sealer === undefined) throw new Error('no epoch')
    const birth = this.#sealer.unborn ? { birth: this.end } : {}
    return this.#sealer.seal(kind, body, birth)
  }

  append(envelope: Uint8Array): void {
    this.entries.push({ proof: NO_PROOF, envelope })
    this.#hash = nextHash(this.#hash, leafHash(NO_PROOF, envelope))
    this.hashes.push(this.#hash)
    this.texts.push(this.text.toString())
  }
}

/** A history that asks a relay in this process; what the relay answers, a test may change. */
export function historyOf(log: PastLog, ports: Partial<HistoryPorts> = {}) {
  const clock = new FakeClock()
  const asked: Up[] = []
  const told: string[] = []
  const strays: Down[] = []
  const relay = {
    answer: (message: Up): Down[] => honestAnswer(log, message),
  }
  let request = 0
  const history = new History({
    clock,
    problems: new Problems(clock, ({ code }) => told.push(code)),
    chain: () => log.chain,
    keysOf: async (epoch) => log.keysOf(epoch),
    end: () => log.end,
    channel: () => 7,
    nextRequest: () => ++request,
    send: (messages) => {
      for (const message of messages) {
        asked.push(message)
        // As a network does: not in the turn in which it was asked.
        setImmediate(() => {
          for (const down of relay.answer(message)) if (!history.takes(down)) strays.push(down)
        })
      }
    },
    ...ports,
  })
  return { history, relay, clock, asked, told, strays }
}

/** Entries of one frame. */
const FRAME_ENTRIES = 3

export function honestAnswer(log: PastLog, message: Up): Down[] {
  if (message.type === 'fetch') {
    const { channel, request, first, last, checkpoint } = message
    const chunks = log.checkpoints.get(hex(checkpoint))
    if (chunks === undefined) return [{ type: 'refused', channel, request, code: 'unknown', detail: '' }]
    const wanted = chunks.slice(first - 1, last === 0 ? undefined : last)
    return wanted.map((chunk, at) => {
      return { type: 'checkpoint', channel, request, first: first + at, total: chunks.length, chunks: [chunk] }
    })
  }
  if (message.type !== 'read') throw new Error(`not asked here: ${message.type}`)
  const { channel, request, after, to } = message
  const answer: Down[] = []
  const last = Math.min(to, log.entries.length)
  for (let first = after + 1; first <= last; first += FRAME_ENTRIES) {
    const entries = log.entries.slice(first - 1, Math.min(first - 1 + FRAME_ENTRIES, last))
    answer.push({ type: 'entries', channel, first, hashBefore: hashPrefix(log.hashes[first - 1] ?? NO_HASH), entries })
  }
  const hash = hashPrefix(log.hashes[last] ?? NO_HASH)
  answer.push({ type: 'caught-up', channel, request, sequence: last, hash })
  return answer
}

const NO_HASH = new Uint8Array(32)

/** Epoch 0: sequences 1 to 4. Epoch 1: 5 to 9. Epoch 2, the newest: 10 to 14. */
export async function threeEpochs(): Promise<PastLog> {
  const log = new PastLog()
  await log.rotate()
  for (const words of ['one ', 'two ', 'three ', 'four ']) await log.type(words)
  await log.rotate()
  for (const words of ['five ', 'six ', 'seven ', 'eight ', 'nine ']) await log.type(words)
  await log.rotate()
  for (const words of ['ten ', 'eleven ', 'twelve ', 'thirteen ', 'fourteen ']) await log.type(words)
  return log
}
