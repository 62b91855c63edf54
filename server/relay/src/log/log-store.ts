import type { Place } from '@y-sealed/protocol'
import type { LeaseWish, PauseWish, Replaced } from './epoch-state.ts'
import type { Quota } from './quota.ts'
import type { SweepTerms } from './retention.ts'
import type { RotationRate } from './rotation-rate.ts'

/**
 * What the relay asks of a store: one log per room, made of epoch records and runs of entries. A *run* is a stretch of
 * entries under one salt with consecutive counters, as it came in one append: it is stored, read and forwarded as one
 * piece, so that an entry costs the relay no object of its own.
 *
 * Every promise that resolves with `stored: true` is durable at that moment. A rejected promise means that nothing was
 * stored. Reads see everything that has been acked.
 */
export interface LogStore {
  head(room: string): Promise<LogHead>

  /** Stores all runs or none (protocol §7, Append). The checks, the pause among them, are made in the transaction that gives the sequences. */
  append(request: AppendRequest): Promise<AppendResult>

  /**
   * Opens an epoch with its checkpoint and first runs, all in one transaction, if head record, last sequence and H are
   * still those named there, and the session holds the lease; a log's first epoch needs none. Ends lease and pause.
   */
  open(request: OpenRequest): Promise<AppendResult>

  /**
   * Stores a checkpoint as the newest of the head epoch, all of it or nothing, if the session has the lease for it, the
   * running hash at its sequence is the one that it names, and the newest is still the one before it. Ends the lease.
   */
  compact(request: CompactRequest): Promise<CompactResult>

  /** Gives the document's one lease to the session, if nobody else has it and the head record is the one named. */
  lease(request: LeaseRequest): Promise<LeaseResult>

  /** Begins the session's lease anew; false: it is not the session's any more. */
  renew(request: { room: string; session: number; leaseMs: number }): Promise<boolean>

  /** Holds appends back for `pauseMs`, if the session has the lease to rotate; names the head as it then stays. */
  pause(request: PauseRequest): Promise<PauseResult>

  /** Ends the session's lease and pause, if it has them. */
  release(room: string, session: number): Promise<void>

  /**
   * Chunks of the checkpoint with this hash. Stops once it has `maxBytes`, but returns at least one. Undefined where there
   * is none such, or none any more.
   */
  checkpoint(
    room: string,
    hash: Uint8Array,
    wanted: WantedChunks,
  ): Promise<{ total: number; chunks: Uint8Array[] } | undefined>

  /** The checkpoints of the head epoch that stand for the log, and what is gone. */
  standing(room: string): Promise<Standing>

  /** Checkpoints of this record's epoch that are kept, by sequence ascending: the newest 1,024. Undefined: no such record. */
  places(room: string, recordHash: Uint8Array): Promise<Place[] | undefined>

  /**
   * The runs after sequence `after`, in order, cut at its first run if that stands in the middle of one. Stops once it
   * has `maxBytes` of bodies, but returns at least one run if there is one, and before a gap: each follows the one before
   * it. The first is not that of `after` + 1 where that one was pruned.
   */
  read(room: string, after: number, maxBytes: number): Promise<StoredRun[]>

  /** Whether every entry after `after`, through `through`, is kept. */
  isWhole(room: string, after: number, through: number): Promise<boolean>

  /**
   * The running hash after entry `sequence`; undefined where there is no such entry. Of entries that are gone only that
   * of the last one in each stretch is known.
   */
  hashAt(room: string, sequence: number): Promise<Uint8Array | undefined>

  /** The record with this hash, and those after it, oldest first. Unknown or no hash: all records. */
  records(room: string, held: Uint8Array | undefined): Promise<{ held?: EpochRecord; after: EpochRecord[] }>

  /** What a room takes. */
  usage(room: string): Promise<Usage>

  /** The epochs of a room, oldest first, and whether anything is kept that only their keys open. */
  keptEpochs(room: string): Promise<KeptEpoch[]>

  /**
   * The room has no document from here on, and never will have one again: it can be neither opened nor read. What it had is
   * deleted by the next sweeps, whatever the retention. False: it was deleted before.
   */
  delete(room: string): Promise<boolean>

  isDeleted(room: string): Promise<boolean>

  /**
   * Deletes some of what is due by these terms, in a transaction that holds nobody up: replaced checkpoints, the runs
   * that end where a base covers them or before, epochs, and salts that nobody uses any more. Whether there may be more.
   */
  sweep(terms: SweepTerms): Promise<boolean>

  /** All that is there, for who looks through it. */
  contents(): LogContents

  /** Ends the commits under way, then lets go of the storage. */
  close(): Promise<void>
}

type Look = 'head' | 'standing' | 'places' | 'checkpoint' | 'read' | 'isWhole' | 'hashAt' | 'records'

/** Its looks take what `names` returns in place of rooms. */
export interface LogContents extends Pick<LogStore, Look> {
  /**
   * What the store calls its documents, the first `max` after this name ('' is before all): their rooms, or, in a store that does not know
   * them, something that tells who has the room's name which it is. None that were deleted.
   */
  names(after: string, max: number): Promise<string[]>
}

export interface WantedChunks {
  /** Place of the first, from 1. */
  first: number
  /** Place of the last, at least `first`; the checkpoint may end before it. */
  last: number
  maxBytes: number
}

export interface LogHead {
  /** Of the newest entry, 0 for an empty log. */
  sequence: number
  /** Running hash H, 32 bytes; zeros before the first epoch. */
  hash: Uint8Array
  /** The head epoch's record; absent in a log that has none yet. */
  record?: EpochRecord
}

/** An epoch record as the relay knows it: public bytes, and where in the log its epoch begins. */
export interface EpochRecord {
  index: number
  bytes: Uint8Array
  /** SHA-256 of `bytes`. */
  hash: Uint8Array
  /** The sequence of the last entry before the epoch. */
  after: number
}

/** An epoch as somebody has opened it. */
export interface OpenedEpoch extends EpochRecord {
  /** The checkpoint with which it begins. */
  checkpoint?: Place
}

/** Where a reader of a log can begin. */
export interface Standing {
  /** The highest sequence through which some entry is gone; 0 = all are kept. It never falls. */
  pruned: number
  /** The newest checkpoint of the head epoch. */
  newest?: Place
  /** The newest that counts as named; the one with which the epoch began does. */
  base?: Place
}

/** Sealed bytes and entries of one room. */
export interface Usage {
  /** Since the base of the head epoch. */
  entries: number
  entryBytes: number
  /** Of the base and of the newest. */
  checkpointBytes: number
  /** What was replaced and is not deleted yet, and the epochs before. */
  historyEntries: number
  historyBytes: number
  /** How many epoch records there are; they are never deleted. */
  records: number
}

export interface KeptEpoch {
  index: number
  /** What its key is called at the endpoint; '' is a name too. null: the record has none that could be read. */
  keyHint: string | null
  /** Something of it is kept, or it is the head: its key is still asked for. */
  isNeeded: boolean
}

/** A run on its way into the log. */
export interface NewRun {
  epochIndex: number
  /** 16 bytes. */
  salt: Uint8Array
  firstCounter: number
  /** Entries in it. */
  count: number
  /** The entries as `run-body.ts` lays them out. */
  body: Uint8Array
  /** Leaf hashes of the entries (protocol §7), in order. */
  leaves: Uint8Array[]
}

/** A run in the log; its entries have the sequences `first` … `first + count - 1`. */
export interface StoredRun {
  first: number
  count: number
  epochIndex: number
  /** Running hash before the first entry, 32 bytes. */
  hashBefore: Uint8Array
  body: Uint8Array
}

export interface WriteRequest {
  /** How much the document may have when this is stored; absent: any amount. */
  quota?: Quota
  room: string
  /** The session that appends: a salt belongs to the session that used it first. */
  session: number
  /** Who that is. */
  subject: string
  runs: NewRun[]
}

export interface AppendRequest extends WriteRequest {
  /** The checkpoint that these entries name. Its author may do so himself once it was stored `aloneMs` ago. */
  names?: { checkpoint: Uint8Array; aloneMs: number }
}

export interface OpenRequest extends WriteRequest {
  record: { index: number; bytes: Uint8Array; hash: Uint8Array }
  /** What is replaced, and all of its log that is carried over; absent: the log must have no epoch. */
  replaces: Replaced | undefined
  /** Whose the document is, if this makes it: their documents count together. */
  tenant?: string
  /** The epoch's checkpoint: all its chunks under one salt that the room has not seen; none for an empty document. */
  chunks: NewChunk[]
}

export interface CompactRequest {
  /** As in WriteRequest. */
  quota?: Quota
  room: string
  session: number
  /** Who makes it. */
  subject: string
  /** The last sequence that it covers, and H there. */
  sequence: number
  hash: Uint8Array
  /** Hash of the newest checkpoint that it follows; undefined: the epoch has none. */
  previous: Uint8Array | undefined
  /** Places 1, 2, …, of one epoch, under one salt that the room has not seen. */
  chunks: readonly [NewChunk, ...NewChunk[]]
}

/**
 * `stale-epoch`: sealed for another epoch than the head, whose record comes along. `busy`: the lease is not this
 * session's. `stale-checkpoint`: another checkpoint is the newest, or the log is not the one that it covers.
 * `out-of-order`: a salt that the room has seen. `full`: over the quota.
 */
export type CompactResult =
  | { stored: true; place: Place; isNamed: boolean }
  | { stored: false; code: 'stale-epoch' | 'busy' | 'stale-checkpoint' | 'out-of-order' | 'full'; record?: Uint8Array }

/** A chunk of a checkpoint on its way into the store. */
export interface NewChunk {
  epochIndex: number
  /** 16 bytes. */
  salt: Uint8Array
  /** Its place, from 1. */
  counter: number
  envelope: Uint8Array
  /** SHA-256 of the envelope. */
  hash: Uint8Array
}

export interface LeaseRequest extends LeaseWish {
  room: string
  /** How often the document may be rotated; absent: any number of times. */
  atMost?: RotationRate
}

/** `too-often`: it was rotated as often as it may be, for now. */
export type LeaseResult =
  | { granted: true }
  | { granted: false; code: 'busy' | 'stale-epoch' | 'too-often'; record?: Uint8Array }

export interface PauseRequest extends PauseWish {
  room: string
}

export type PauseResult =
  | { granted: true; sequence: number; hash: Uint8Array }
  | { granted: false; code: 'busy' | 'limit' }

/** What one append or open has changed. */
export interface Commit {
  /** The runs as stored, in order; none where an epoch was opened without entries. */
  runs: StoredRun[]
  /** Of the newest entry, and the running hash there. */
  sequence: number
  hash: Uint8Array
  /** The epoch that it has opened; the runs belong to it. */
  opened?: OpenedEpoch
  /** The newest checkpoint of the head epoch, which counts as named by this. */
  named?: CheckpointOf
}

/** A checkpoint, and the index of its epoch. */
export interface CheckpointOf {
  place: Place
  epochIndex: number
}

/**
 * `stale-epoch`: sealed for another epoch than the head, whose record comes along, or for another state of its log.
 * `paused`: somebody is about to open an epoch. `busy`: the lease is not this session's. `out-of-order`: not this
 * session's salt, or not its next counter. `malformed`: a record whose index does not rise. `full`: over the quota.
 */
export type AppendResult =
  | { stored: true; commit: Commit }
  | {
      stored: false
      code: 'stale-epoch' | 'paused' | 'busy' | 'out-of-order' | 'malformed' | 'full'
      record?: Uint8Array
    }
