import { recordHash } from '@y-sealed/envelope'
import { checkpointHash, chunkHash, type Entry, leafHash, nextHash, type Place, startHash } from '@y-sealed/protocol'

/** One epoch of a log, as this relay shows it. */
export class EpochLog {
  readonly record: Uint8Array
  readonly recordHash: Uint8Array
  /** The last sequence before it. */
  readonly after: number
  readonly entries: Entry[] = []
  /** H before its first entry, and after each. */
  readonly hashes: Uint8Array[]
  /** Chunks of the checkpoints that it keeps, the one that it began with first, and where each stands. */
  readonly checkpoints: { readonly place: Place; readonly chunks: readonly Uint8Array[] }[] = []

  constructor(record: Uint8Array, after: number) {
    this.record = record
    this.recordHash = recordHash(record)
    this.after = after
    this.hashes = [startHash(this.recordHash)]
  }

  get last(): number {
    return this.after + this.entries.length
  }

  /** H after the entry of this sequence. */
  hashAt(sequence: number): Uint8Array {
    const hash = this.hashes[sequence - this.after]
    if (hash === undefined) throw new RangeError(`no sequence ${sequence} in this epoch`)
    return hash
  }

  add(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.entries.push(entry)
      this.hashes.push(nextHash(this.hashes.at(-1) as Uint8Array, leafHash(entry.proof, entry.envelope)))
    }
  }

  keep(chunks: readonly Uint8Array[], sequence: number): Place {
    const place = {
      checkpoint: checkpointHash(chunks.map(chunkHash)),
      sequence,
      hash: this.hashAt(sequence),
      bytes: chunks.reduce((sum, { length }) => sum + length, 0),
    }
    this.checkpoints.push({ place, chunks })
    return place
  }
}

/** What becomes of an entry in a history that is told otherwise: itself, something else, several, or none. */
export type Retelling = (entry: Entry, sequence: number, epoch: number) => readonly Entry[]

/**
 * What this relay has of a document, or says that it has: epochs, entries, checkpoints, with every H that fits. A plain value: copied for a fork,
 * kept for a roll-back, told otherwise. Whatever is done to it stays dense and consistent, so that only what is sealed can give it away.
 */
export class History {
  readonly epochs: EpochLog[] = []

  get head(): EpochLog | undefined {
    return this.epochs.at(-1)
  }

  get sequence(): number {
    return this.head?.last ?? 0
  }

  /** H at the head; undefined without an epoch. */
  get hash(): Uint8Array | undefined {
    return this.head?.hashes.at(-1)
  }

  get entries(): Entry[] {
    return this.epochs.flatMap(({ entries }) => entries)
  }

  open(record: Uint8Array): EpochLog {
    const epoch = new EpochLog(record, this.sequence)
    this.epochs.push(epoch)
    return epoch
  }

  copy(): History {
    return this.retold((entry) => [entry])
  }

  /** The same epochs with other entries. */
  retold(change: Retelling): History {
    const other = new History()
    for (const [index, epoch] of this.epochs.entries()) {
      const told = other.open(epoch.record)
      told.add(epoch.entries.flatMap((entry, i) => change(entry, epoch.after + i + 1, index)))
      for (const { place, chunks } of epoch.checkpoints) {
        told.keep(chunks, Math.min(told.last, told.after + place.sequence - epoch.after))
      }
    }
    return other
  }

  /** As it was when it had so many epochs. */
  before(epochs: number): History {
    const earlier = this.copy()
    earlier.epochs.splice(epochs)
    return earlier
  }

  /** As it was when it had so many entries; epochs stay. */
  cut(entries: number): History {
    return this.retold((entry, sequence) => (sequence <= entries ? [entry] : []))
  }

  checkpoint(hash: Uint8Array): readonly Uint8Array[] | undefined {
    return this.epochs
      .flatMap(({ checkpoints }) => checkpoints)
      .find(({ place }) => Buffer.compare(place.checkpoint, hash) === 0)?.chunks
  }
}
