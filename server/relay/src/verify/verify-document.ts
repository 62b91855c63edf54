import { startHash } from '@y-sealed/protocol'
import type { EpochRecord, LogContents } from '../log/log-store.ts'
import { recordHash, sameHash } from '../log/record-hash.ts'
import { DamageFound } from './damage.ts'
import { checkCheckpoints } from './verify-checkpoints.ts'
import { checkLinks } from './verify-links.ts'
import { hashAfterRun } from './verify-run.ts'

// As much as a session that catches up reads at once, a few times.
const READ_BYTES = 1024 * 1024

export interface DocumentCounts {
  epochs: number
  entries: number
  checkpoints: number
}

/**
 * Computes all again that a relay can know of a document without keys: each record's hash and what it says of the one before, H after every
 * entry, each checkpoint's chunks. Of entries that are pruned H is taken
 * on the store's word. Throws DamageFound at the first that is wrong, and what the store throws.
 */
export async function verifyDocument(contents: LogContents, name: string): Promise<DocumentCounts> {
  const { after: records } = await contents.records(name, undefined)
  checkRecords(records)
  const walk = new Walk(contents, name, records)
  const entries = await walk.toTheEnd()
  checkLinks(records, walk.ends)
  let checkpoints = 0
  for (const record of records) checkpoints += await checkCheckpoints(contents, name, record)
  return { epochs: records.length, entries, checkpoints }
}

function checkRecords(records: readonly EpochRecord[]): void {
  for (const [i, { index, bytes, hash, after }] of records.entries()) {
    const before = records[i - 1]
    if (!sameHash(recordHash(bytes), hash))
      throw new DamageFound(after, `the record of epoch ${index} has another hash`)
    if (before && (index <= before.index || after < before.after)) {
      throw new DamageFound(after, `the record of epoch ${index} does not follow that of epoch ${before.index}`)
    }
  }
}

/** Goes through a log from its first entry to its last. */
class Walk {
  /** Of the last entry that was looked at, and H there. */
  sequence: number
  hash: Uint8Array
  /** By index: H at the end of each epoch that has another after it. */
  readonly ends = new Map<number, Uint8Array>()
  readonly #contents: LogContents
  readonly #name: string
  #epoch: EpochRecord
  /** Where the last run began: what H does not fit is one of its entries. undefined: none was since H was last taken from elsewhere. */
  #runFirst: number | undefined
  readonly #next: EpochRecord[]

  constructor(contents: LogContents, name: string, [first, ...next]: readonly EpochRecord[]) {
    if (!first) throw new DamageFound(0, 'it has no record')
    this.#contents = contents
    this.#name = name
    this.#epoch = first
    this.#next = next
    this.sequence = first.after
    this.hash = startHash(first.hash)
  }

  /** Resolves with how many entries there are, those among them that are appended meanwhile. */
  async toTheEnd(): Promise<number> {
    let entries = 0
    for (;;) {
      const head = await this.#contents.head(this.#name)
      const runs = await this.#contents.read(this.#name, this.sequence, READ_BYTES)
      for (const run of runs) {
        await this.#reach(run.first)
        if (!sameHash(run.hashBefore, this.hash)) throw this.#misfit()
        this.#runFirst = run.first
        this.hash = hashAfterRun(run, this.#epoch.index)
        this.sequence = run.first + run.count - 1
        entries += run.count
      }
      if (runs.length > 0) continue
      await this.#reach(head.sequence + 1)
      if (!sameHash(head.record?.hash, this.#epoch.hash))
        throw new DamageFound(this.#epoch.after, 'its newest record is not the head')
      if (!sameHash(head.hash, this.hash)) throw this.#misfit()
      return entries
    }
  }

  /** Which of the two is wrong, an entry or the hash behind it, nobody can tell. */
  #misfit(): DamageFound {
    const { sequence } = this
    if (this.#runFirst === undefined) return new DamageFound(sequence + 1, 'H before it is not that of the log')
    return new DamageFound(this.#runFirst, `the entries through ${sequence} do not give the H that is kept behind them`)
  }

  /** Moves to before this entry: over the ends of epochs, and over what is pruned. */
  async #reach(first: number): Promise<void> {
    for (let [next] = this.#next; next && next.after < first; [next] = this.#next) {
      await this.#jump(next.after)
      this.ends.set(this.#epoch.index, this.hash)
      this.#next.shift()
      this.#epoch = next
      this.hash = startHash(next.hash)
      this.#runFirst = undefined
    }
    await this.#jump(first - 1)
  }

  /** To behind this entry, if it is the last one of those that are pruned. */
  async #jump(sequence: number): Promise<void> {
    if (sequence === this.sequence) return
    if (sequence < this.sequence) throw new DamageFound(sequence + 1, 'it is there twice')
    const hash = await this.#contents.hashAt(this.#name, sequence)
    if (!hash) throw new DamageFound(this.sequence + 1, 'it is missing')
    this.hash = hash
    this.sequence = sequence
    this.#runFirst = undefined
  }
}
