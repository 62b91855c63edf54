import { createHash } from 'node:crypto'
import {
  type Checkpoint,
  checkpointHash,
  chunkHash,
  type Down,
  type Entries,
  type Joined,
  type Place,
} from '@y-sealed/protocol'
import { EnvelopeKind, parseHeader, recordHash } from 'y-sealed/observe'
import { LogChain } from './log-chain.ts'
import { parseRecord } from './record.ts'
import { nameOf } from './sealed-log.ts'

export interface Tally {
  readonly entries: number
  readonly bytes: number
}

export interface EpochReport extends Tally {
  readonly index: number
  /** The first digits of the hint's SHA-256: the same hint, the same digits. The hint itself is the relay's to see and nobody else's business. */
  readonly keyHint: string
  /** First digits of its recordHash. */
  readonly record: string
  /** The first sequence of it; its last, as far as the log goes. */
  readonly from: number
  readonly to: number
  /** Its key can be guessed, and was stretched. */
  readonly isStretched: boolean
}

export interface CheckpointReport {
  readonly checkpoint: string
  readonly sequence: number
  readonly bytes: number
}

/** What is to be seen of a document without keys. */
export interface Inspection {
  readonly sequence: number
  /** The first 8 bytes of the running hash at the end. */
  readonly hash: string
  /** Through there the relay keeps nothing. */
  readonly pruned: number
  readonly epochs: readonly EpochReport[]
  readonly checkpoints: readonly CheckpointReport[]
  /** Entries that were read, by kind. */
  readonly kinds: Readonly<Record<string, Tally>>
  /** Different salts: sessions in which somebody has written. */
  readonly sealers: number
  /** Entries whose running hash was computed anew. */
  readonly verified: number
  /** What does not fit together; none: it is one history. */
  readonly faults: readonly string[]
}

const KIND_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(EnvelopeKind).map(([name, kind]) => [kind, name]),
)

/** Looks at a log message by message, as `fetchLog` and `readLogFile` give them, and keeps none. */
export class Inspector {
  readonly #records: Uint8Array[] = []
  readonly #epochs = new Map<number, Tally>()
  readonly #kinds = new Map<string, Tally>()
  readonly #salts = new Set<string>()
  readonly #places = new Map<string, CheckpointReport>()
  /** Hashes of the chunks of the checkpoint that is coming. */
  #chunks: Uint8Array[] = []
  /** Of those that have come whole. */
  readonly #checkpoints = new Set<string>()
  readonly #faults: string[] = []
  #chain = new LogChain([])
  #joined: Joined | undefined

  take(message: Down): void {
    if (message.type === 'records') this.#records.push(...message.records)
    else if (message.type === 'joined') this.#join(message)
    else if (message.type === 'checkpoints') for (const place of message.places) this.#place(place)
    else if (message.type === 'checkpoint') this.#checkpoint(message)
    else if (message.type === 'entries') this.#entries(message)
  }

  /** All has been taken. */
  report(): Inspection {
    const { sequence = 0, hash = new Uint8Array(0), pruned = 0 } = this.#joined ?? {}
    if (this.#records.length > 0) this.#chain.end(sequence, hash)
    return {
      ...{ sequence, hash: nameOf(hash), pruned },
      epochs: this.#records.map((record, at) => this.#epoch(record, this.#records[at + 1], sequence)),
      checkpoints: [...this.#places.values()].sort((a, b) => a.sequence - b.sequence),
      ...{ kinds: Object.fromEntries(this.#kinds), sealers: this.#salts.size, verified: this.#chain.verified },
      faults: [...this.#faults, ...this.#missing(), ...this.#chain.faults],
    }
  }

  #join(joined: Joined): void {
    this.#records.push(...joined.records)
    this.#joined = joined
    this.#chain = new LogChain(this.#records)
    for (const place of [joined.base, joined.newest]) if (place !== undefined) this.#place(place)
  }

  #checkpoint({ total, chunks }: Checkpoint): void {
    this.#chunks.push(...chunks.map(chunkHash))
    if (this.#chunks.length < total) return
    this.#checkpoints.add(nameOf(checkpointHash(this.#chunks)))
    this.#chunks = []
  }

  /** What came under the name of a checkpoint has another hash, or did not come. */
  #missing(): string[] {
    return [...this.#places]
      .filter(([name]) => !this.#checkpoints.has(name))
      .map(([, { sequence }]) => `the checkpoint through ${sequence} is not what its name says`)
  }

  #place(place: Place): void {
    const { checkpoint, sequence, bytes } = place
    this.#places.set(nameOf(checkpoint), { checkpoint: nameOf(checkpoint).slice(0, 16), sequence, bytes })
    this.#chain.place(place)
  }

  #entries(message: Entries): void {
    this.#chain.take(message)
    message.entries.forEach(({ envelope }, at) => {
      try {
        const { kind, epochIndex, salt } = parseHeader(envelope)
        const name = KIND_NAMES.get(kind) ?? 'unknown'
        this.#kinds.set(name, grown(this.#kinds.get(name), envelope.length))
        this.#epochs.set(epochIndex, grown(this.#epochs.get(epochIndex), envelope.length))
        this.#salts.add(nameOf(salt))
      } catch {
        this.#faults.push(`entry ${message.first + at} is no envelope`)
      }
    })
  }

  #epoch(record: Uint8Array, next: Uint8Array | undefined, end: number): EpochReport {
    const { index, keyHint, prevSequence, stretch } = parseRecord(record)
    const to = next === undefined ? end : parseRecord(next).prevSequence
    return {
      index,
      keyHint: createHash('sha256').update(keyHint).digest('hex').slice(0, 8),
      record: nameOf(recordHash(record)).slice(0, 16),
      ...{ from: prevSequence + 1, to, isStretched: stretch === 1 },
      ...(this.#epochs.get(index) ?? { entries: 0, bytes: 0 }),
    }
  }
}

const grown = (tally: Tally | undefined, bytes: number): Tally => ({
  entries: (tally?.entries ?? 0) + 1,
  bytes: (tally?.bytes ?? 0) + bytes,
})
