import { EnvelopeError, EnvelopeKind, type EpochKeys, type Opened, openEnvelope } from '@y-sealed/envelope'
import { type Entry, leafHash, nextHash } from '@y-sealed/protocol'
import type { EpochStart } from '../checkpoint/epoch-start.ts'
import type { ChainedEpoch } from '../epoch/chained-epoch.ts'
import { equalBytes } from '../hex.ts'

/** What is kept of one epoch, so that a slider need not download it at each move: a 20 MB document and a long log on top. */
const MAX_KEPT_BYTES = 64 * 1024 * 1024
/** What an opened entry costs beyond its body: objects, a salt, a place in a list. */
const ENTRY_COST_BYTES = 512

/** An entry at its place; undefined: it does not open, and counts as empty. */
export interface PastEntry {
  readonly sequence: number
  readonly opened: Opened | undefined
}

/** One epoch from a checkpoint on, opened, as far as it has been read. */
export class EpochLog {
  readonly start: EpochStart
  /** The last sequence read, and H there. */
  through: number
  hash: Uint8Array
  /** All that was read, while it is not too much to keep. */
  entries: PastEntry[] = []
  isKept = true
  readonly #epoch: ChainedEpoch
  #bytes: number

  constructor(epoch: ChainedEpoch, start: EpochStart) {
    this.#epoch = epoch
    this.start = start
    this.#bytes = start.update?.length ?? 0
    this.through = start.sequence
    this.hash = start.hash
  }

  /** It does not begin where the epoch does: sealers may be in mid-stream. */
  get isMidway(): boolean {
    return this.start.sequence > this.#epoch.parsed.prevSequence
  }

  isOf(epoch: ChainedEpoch): boolean {
    return equalBytes(this.#epoch.hash, epoch.hash)
  }

  /** Takes the next entries of the log, and gives them opened. */
  async add(keys: EpochKeys, entries: readonly Entry[]): Promise<PastEntry[]> {
    const opened = await Promise.all(entries.map(({ envelope }) => this.#open(keys, envelope)))
    const added = opened.map((each, at) => ({ sequence: this.through + 1 + at, opened: each }))
    for (const { proof, envelope } of entries) this.hash = nextHash(this.hash, leafHash(proof, envelope))
    this.through += entries.length
    this.#keep(added)
    return added
  }

  async #open(keys: EpochKeys, envelope: Uint8Array): Promise<Opened | undefined> {
    try {
      const opened = await openEnvelope(keys, envelope)
      const isEntry = opened.kind === EnvelopeKind.update || opened.kind === EnvelopeKind.witness
      return isEntry && opened.epochIndex === this.#epoch.parsed.index ? opened : undefined
    } catch (error) {
      if (error instanceof EnvelopeError && error.fault === 'bytes') return undefined
      throw error
    }
  }

  #keep(added: readonly PastEntry[]): void {
    for (const { opened } of added) this.#bytes += ENTRY_COST_BYTES + (opened?.body.length ?? 0)
    this.isKept &&= this.#bytes <= MAX_KEPT_BYTES
    if (this.isKept) for (const entry of added) this.entries.push(entry)
    else this.entries = []
  }
}
