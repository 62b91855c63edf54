import {
  checkpointHash,
  chunkHash,
  type Down,
  type Entries,
  type Entry,
  HASH_PREFIX_BYTES,
  hashPrefix,
  type Joined,
  leafHash,
  nextHash,
  type Place,
} from '@y-sealed/protocol'
import { recordHash } from 'y-sealed/observe'
import { LogChain } from './log-chain.ts'
import { malformed } from './malformed.ts'

/** What a relay held of a room, sealed: as much of it as was fetched. */
export class SealedLog {
  /** Epoch records, oldest first. */
  readonly records: Uint8Array[] = []
  readonly #checkpoints = new Map<string, Uint8Array[]>()
  /** Of which the last chunk has not come. */
  #chunks: Uint8Array[] = []
  readonly #places = new Map<string, Place[]>()
  readonly #runs: Run[] = []
  #chain: LogChain | undefined
  #joined: Joined | undefined
  #through: number | undefined

  /** The next message, in the order in which `fetchLog` gives them. Throws Failure `malformed`. */
  take(message: Down): void {
    switch (message.type) {
      case 'records':
        this.records.push(...message.records)
        break
      case 'joined':
        this.records.push(...message.records)
        this.#joined = message
        this.#chain = new LogChain(this.records)
        for (const place of [message.newest, message.base]) if (place !== undefined) this.#chain.place(place)
        break
      case 'checkpoints': {
        const record = this.records[message.request - 1]
        if (record === undefined) throw malformed('checkpoints of an epoch that it does not have')
        this.#places.set(nameOf(recordHash(record)), message.places)
        for (const place of message.places) this.#chain?.place(place)
        break
      }
      case 'checkpoint':
        if (message.first !== this.#chunks.length + 1) throw malformed('a checkpoint with a hole')
        this.#chunks.push(...message.chunks)
        if (this.#chunks.length < message.total) break
        this.#checkpoints.set(nameOf(checkpointHash(this.#chunks.map(chunkHash))), this.#chunks)
        this.#chunks = []
        break
      case 'entries':
        if (message.first !== (this.#through ?? message.first - 1) + 1) throw malformed('a hole in its entries')
        this.#runs.push({ ...message, hash: this.#chain?.take(message) })
        this.#through = message.first + message.entries.length - 1
        break
      case 'caught-up':
        if (message.sequence > this.through) throw malformed('no end')
        break
      default:
        throw malformed(`a message that is no part of a log: ${message.type}`)
    }
  }

  /** What the relay said of the room. Throws Failure `malformed` where it is not whole. */
  get joined(): Joined {
    if (this.#joined === undefined) throw malformed('no beginning')
    return this.#joined
  }

  /** The document has no epoch: nobody has ever written it. */
  get isEmpty(): boolean {
    return this.records.length === 0
  }

  /** Its entries begin after this sequence. */
  get after(): number {
    return (this.#runs[0]?.first ?? this.joined.sequence + 1) - 1
  }

  get through(): number {
    return this.#through ?? this.joined.sequence
  }

  /** The chunks of the checkpoint with this hash. */
  checkpoint(hash: Uint8Array): readonly Uint8Array[] | undefined {
    return this.#checkpoints.get(nameOf(hash))
  }

  /** Where the checkpoints of an epoch stand that are here, by its recordHash; undefined: it is no epoch of this document. */
  places(hash: Uint8Array): readonly Place[] | undefined {
    const head = this.records.at(-1)
    const isHead = head !== undefined && nameOf(recordHash(head)) === nameOf(hash)
    const known = this.#places.get(nameOf(hash))
    if (known !== undefined || !isHead) return known
    const { newest, base } = this.joined
    const both = [base, newest].filter((place) => place !== undefined)
    return newest?.sequence === base?.sequence ? both.slice(0, 1) : both
  }

  /** Entries after one sequence through another, with the first 8 bytes of H before each run of them. */
  *entries(after: number, to: number): Generator<Pick<Entries, 'first' | 'hashBefore' | 'entries'>> {
    for (const { first, hashBefore, hash, entries } of this.#runs) {
      const skipped = Math.max(0, after + 1 - first)
      const wanted = entries.slice(skipped, Math.max(0, to + 1 - first))
      if (wanted.length === 0) continue
      yield {
        first: first + skipped,
        hashBefore: skipped === 0 ? hashBefore : hashAfter(hash, entries.slice(0, skipped)),
        entries: wanted,
      }
    }
  }
}

interface Run extends Entries {
  /** H before its first entry, all of it; undefined where it cannot be known. */
  readonly hash: Uint8Array | undefined
}

/** A run is of one epoch, and a place from which somebody reads is one that is named: only pages of a look back begin elsewhere, and those compare H at their end. */
function hashAfter(hash: Uint8Array | undefined, entries: readonly Entry[]): Uint8Array {
  if (hash === undefined) return new Uint8Array(HASH_PREFIX_BYTES)
  return hashPrefix(entries.reduce((before, { proof, envelope }) => nextHash(before, leafHash(proof, envelope)), hash))
}

export const nameOf = (hash: Uint8Array): string => Buffer.from(hash).toString('hex')
