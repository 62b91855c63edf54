import type { Joined, Place } from '@y-sealed/protocol'
import type { Epoch } from '../epoch/epoch.ts'
import { equalBytes, hex } from '../hex.ts'
import type { EpochStart } from './epoch-start.ts'

/** What a session knows of the checkpoints of its epoch: where they stand, who vouches for them, and how much log lies behind the newest. */
export class KnownCheckpoints {
  /** The relay keeps everything behind this sequence. */
  pruned = 0
  #newest: Place | undefined
  #base: Place | undefined
  /** What the reader began with. */
  #openedFrom: Uint8Array | undefined
  /** Hashes of those made here. */
  readonly #own = new Set<string>()
  /** The last sequence before the epoch. */
  #start = 0
  #entries = 0
  #bytes = 0

  /** Everything through this sequence is in a checkpoint, or was before the epoch. */
  get covered(): number {
    return this.#newest?.sequence ?? this.#start
  }

  /** The newest of the epoch; undefined where it began empty and has none yet. */
  get newest(): Place | undefined {
    return this.#newest
  }

  /** The newest that counts as named; undefined: the epoch's empty start. */
  get base(): Place | undefined {
    return this.#base
  }

  /** Entries and sealed bytes behind the newest. */
  get tail(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#entries, bytes: this.#bytes }
  }

  /**
   * The relay counts the newest as vouched for, and need not keep what it could be compared with. That is the relay's word: it knows who is who, and
   * a witness alone could be its author's own.
   */
  get isNewestNamed(): boolean {
    return this.#newest === undefined || sameCheckpoint(this.#newest, this.#base)
  }

  isNewest(place: Place | undefined): boolean {
    return sameCheckpoint(place, this.#newest)
  }

  get isNewestOwn(): boolean {
    return this.#newest !== undefined && this.#own.has(hex(this.#newest.checkpoint))
  }

  /** All that this reader knows of the log through the newest came from the newest itself. */
  get isOpenedFromNewest(): boolean {
    const { checkpoint } = this.#newest ?? {}
    return checkpoint !== undefined && this.#openedFrom !== undefined && equalBytes(checkpoint, this.#openedFrom)
  }

  /** A relay says at the join what it has. */
  joined({ newest, base, pruned }: Joined, cursor: number): void {
    if (newest !== undefined) this.#countFrom(newest, cursor)
    this.#newest = newest
    this.#base = base
    this.pruned = pruned
  }

  /** Where the relay's head epoch can be begun, the best first; another epoch begins with what its record names. */
  placesOf(
    { parsed, startHash }: Pick<Epoch, 'parsed' | 'startHash'>,
    isHead: boolean,
  ): ReadonlyArray<Place | undefined> {
    const first = firstPlace(parsed, startHash)
    const told = isHead
      ? [this.#newest, this.#base].map((place) => (isOf(place, parsed, first) ? place : first))
      : [first]
    // Whatever the relay tells: where the epoch's whole log is kept, its start will do.
    const places = this.pruned <= parsed.prevSequence ? [...told, first] : told
    return places.filter((place, at) => !places.slice(0, at).some((before) => sameCheckpoint(place, before)))
  }

  /** The reader has begun here. */
  began(epoch: Epoch, start: EpochStart): void {
    this.entered(epoch)
    this.#openedFrom = start.checkpoint
  }

  /** The reader has gone on into the next epoch. */
  entered({ parsed, startHash }: Pick<Epoch, 'parsed' | 'startHash'>): void {
    this.#own.clear()
    this.#start = parsed.prevSequence
    this.#openedFrom = undefined
    this.#entries = 0
    this.#bytes = 0
    // What the relay has told may be of this epoch already, or of the one before.
    const first = firstPlace(parsed, startHash)
    if (!isOf(this.#newest, parsed, first)) this.#newest = first
    if (sameCheckpoint(this.#newest, first)) this.#base = this.#newest
    else if (!isOf(this.#base, parsed, first)) this.#base = first
  }

  /** An entry was taken from the log. */
  took(sequence: number, bytes: number): void {
    if (sequence <= (this.#newest?.sequence ?? 0)) return
    this.#entries++
    this.#bytes += bytes
  }

  /** The relay has stored another one, or counts it as named; `cursor`: how far this reader is. */
  stored(place: Place, isNamed: boolean, cursor: number): void {
    if (place.sequence < (this.#newest?.sequence ?? 0)) return
    this.#countFrom(place, cursor)
    // The one that the epoch began with: its size is known now.
    if (isNamed || sameCheckpoint(place, this.#base)) this.#base = place
    this.#newest = place
  }

  /** Made here. */
  made(place: Place, isNamed: boolean, cursor: number): void {
    this.#own.add(hex(place.checkpoint))
    this.stored(place, isNamed, cursor)
  }

  /** Of what was counted behind the former one, by its share: the sizes of single entries are not kept. */
  #countFrom(place: Place, cursor: number): void {
    if (sameCheckpoint(place, this.#newest)) return
    const left = Math.max(0, Math.min(this.#entries, cursor - place.sequence))
    this.#bytes = this.#entries === 0 ? 0 : Math.round((this.#bytes * left) / this.#entries)
    this.#entries = left
  }
}

/** The one that the epoch began with; the relay tells its size, where that matters. */
function firstPlace(parsed: Epoch['parsed'], startHash: Uint8Array): Place | undefined {
  const { checkpoint, prevSequence: sequence } = parsed
  return checkpoint.every((byte) => byte === 0) ? undefined : { checkpoint, sequence, hash: startHash, bytes: 0 }
}

/** What stands where an epoch begins is of the epoch before, unless it is what that one begins with. */
function isOf(place: Place | undefined, { prevSequence }: Epoch['parsed'], first: Place | undefined): boolean {
  return place !== undefined && (place.sequence > prevSequence || sameCheckpoint(place, first))
}

function sameCheckpoint(a: Place | undefined, b: Place | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalBytes(a.checkpoint, b.checkpoint)
}
