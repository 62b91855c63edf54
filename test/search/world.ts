/**
 * The states of a small world: three members, a relay, a key endpoint, and what is under way between them. Plain values that can be written down and
 * compared. What the project decides in pure functions is not here (see `rules.ts`); the glue around them is modelled as small as it can be.
 */

/** A set of edits, one bit each, in the order in which they were made. */
export type Edits = number
/** A name of H at one place of one log (see `names.ts`). */
export type Place = number
/** A name of an epoch record (see `names.ts`); -1 = none. */
export type RecordId = number

export const NOTHING = 0
export const NONE = -1

/** What an epoch record says, and what the relay keeps beside it: `after`, the sequence at which it was stored, and `begun`, the last that came with it. */
export interface EpochFacts {
  readonly id: RecordId
  readonly index: number
  /** Keys are named by the order in which the endpoint made them. */
  readonly hint: number
  readonly previous: RecordId
  readonly prevSequence: number
  readonly prevHash: Place
  /** What its first checkpoint holds; -1 = it has none. */
  readonly checkpoint: Edits
  readonly after: number
  readonly begun: number
}

export interface LogEntry {
  readonly edits: Edits
  /** The record under whose keys it was sealed. */
  readonly sealedUnder: RecordId
  readonly before: Place
  readonly hash: Place
}

/** What may still happen that nobody has to do: faults, and what people want. */
export interface Budget {
  readonly edits: number
  /** `rotateKey()` by a member, or the key retired at the endpoint. */
  readonly rotations: number
  /** Connections that are lost. */
  readonly cuts: number
  /** Members whose memory is lost; they come back as newcomers. */
  readonly crashes: number
  readonly relayCrashes: number
  /** Leases and pauses that run out, and pauses that are given up, although their holder is at work. */
  readonly lates: number
  /** The relay comes back from a copy that lacks the newest entries of the epoch. */
  readonly restores: number
}

/** Everything that is not one member's. */
export interface Shared {
  /** Hint of the endpoint's current key; -1 = none yet. */
  key: number
  /** A bit for each hint whose record was reported to the endpoint. */
  pinned: number
  /** The relay's, durable. */
  records: readonly EpochFacts[]
  log: readonly LogEntry[]
  lease: 'none' | 'runs' | 'over'
  /** `rests`: it is over, and its session may not pause again yet. */
  pause: 'none' | 'runs' | 'rests'
  /** Rises when the relay is restored: what is written then is another history. */
  generation: number
  /** How many edits were made. */
  made: number
  /** The relay was accused of something. */
  alarms: number
  left: Budget
}

export type Frame = { readonly isChunk: boolean; readonly edits: Edits }

/** Member to relay. `isDead`: whoever asked waits for no answer any more. */
export type Up = { readonly isDead: boolean } & (
  | { readonly t: 'append'; readonly edits: Edits; readonly sealedUnder: RecordId; readonly follows: boolean }
  | { readonly t: 'lease'; readonly head: RecordId }
  | { readonly t: 'stage'; readonly frame: Frame }
  | { readonly t: 'pause' }
  | { readonly t: 'open'; readonly facts: EpochFacts; readonly isFirst: boolean; readonly last: Frame | undefined }
  | { readonly t: 'release' }
)

/** Where the relay's log stood when a message left it: nothing that came later overtakes the message. */
export interface Mark {
  readonly sequence: number
  readonly index: number
}

/** Relay to member, but for entries, records and the end of a catch-up: those are read off the log (see `delivery.ts`). */
export type Down = { readonly mark: Mark } & (
  | { readonly t: 'joined'; readonly confirmed: boolean; readonly records: readonly RecordId[] }
  | { readonly t: 'ack'; readonly sequence: number }
  | { readonly t: 'append-refused'; readonly code: string; readonly head: RecordId }
  | { readonly t: 'leased' | 'staged' }
  | { readonly t: 'paused'; readonly sequence: number; readonly hash: Place }
  | { readonly t: 'opened'; readonly record: RecordId; readonly sequence: number }
  | { readonly t: 'refused'; readonly code: string; readonly head: RecordId }
)

/** One join, as the relay and the network have it. It outlives its connection while something is still to be read from it. */
export interface Session {
  up: readonly Up[]
  down: readonly Down[]
  /** The next sequence that is sent. */
  next: number
  /** Index of the epoch that delivery has come to. */
  index: number
  /** A bit for each sequence that this session has appended: the ack stands for it. */
  own: number
  /** So many answers are heard before what is read from the log: it was asked for when they had left. */
  behind: number
  /** The end of the log is to be told when it is reached. */
  isOwedEnd: boolean
  /** The lease, and the last pause, in the store are this session's. */
  isLeaseHolder: boolean
  isPauser: boolean
  /** What is staged under the lease, as the session has it. */
  desk: { readonly checkpoint: Edits; readonly entries: readonly Edits[] } | undefined
  /** An append of its present sealer was not stored: the next counter is not to be taken. */
  hasMissed: boolean
}

export type Phase = 'gone' | 'away' | 'joining' | 'keying' | 'reading' | 'live' | 'held'
export type LoadReason = 'cold' | 'behind' | 'void' | 'fork' | 'rewind'

/** One member's provider. */
export interface Member {
  phase: Phase
  doc: Edits
  /** Log state: what it knows to be in the log. */
  log: Edits
  waiting: Edits
  inFlight: Edits
  /** The relay said `paused`: the append is sent again later. */
  isHeldBack: boolean
  isStarted: boolean
  isPaused: boolean
  /** A refusal is being settled with a new sealer. */
  isRenewing: boolean
  epoch: RecordId
  line: readonly RecordId[]
  next: readonly RecordId[]
  shown: readonly RecordId[]
  cursor: number
  hash: Place
  /** Nothing behind it is taken; -1 = no such place. */
  end: number
  /** A bit for each sequence behind the cursor that has come. */
  heard: number
  /** Sequences of its own that were acked, and are behind the cursor: a bit each. */
  acked: number
  /** Catching up ends there; -1 = not known. */
  target: number
  walk: 'still' | 'reading' | 'adopting' | 'loading'
  why: LoadReason
  isJoinStale: boolean
  opener: 'none' | 'minting' | 'sent'
  wish: boolean
  /** The endpoint has retired the key. */
  isDue: boolean
  /** A rotation that was due has failed: the next attempt waits for its timer. */
  isResting: boolean
  /** Another epoch was entered, and not yet written in. */
  hasReached: boolean
  rotation: Rotation | undefined
  /** Only kept where a history can fork: what its user wrote, what of the document is not to be sent, whether that is to be settled. */
  own: Edits
  disowned: Edits
  isForked: boolean
  isHealing: boolean
  session: Session | undefined
}

/** A rotator at work. */
export interface Rotation {
  /** A name of its `RotationState` (see `names.ts`). */
  state: number
  /** The head that it replaces. */
  goal: RecordId
  isClosed: boolean
  hint: number
  /** What the log lacked of the document when it was copied; the copy, which follows the log until it holds that. */
  lacking: Edits
  copy: Edits
  cover: 'none' | 'copied' | 'covered'
  /** The log is being read to make the checkpoint of. */
  isReadingLog: boolean
  tail: Edits
  checkpoint: Edits
  frames: readonly Frame[]
  isStaging: boolean
  pausedAt: number
  pausedHash: Place
  opening: EpochFacts | undefined
}

export interface World {
  readonly shared: Shared
  readonly members: readonly Member[]
  /** Sessions whose member has gone, or does not know them any more. */
  readonly orphans: readonly Session[]
}

export const bit = (n: number): number => 1 << n
export const without = (edits: Edits, others: Edits): Edits => edits & ~others

export const newcomer = (): Member => ({
  phase: 'away',
  doc: NOTHING,
  log: NOTHING,
  waiting: NOTHING,
  inFlight: NOTHING,
  isHeldBack: false,
  isStarted: false,
  isPaused: false,
  isRenewing: false,
  epoch: NONE,
  line: [],
  next: [],
  shown: [],
  cursor: 0,
  hash: NONE,
  end: NONE,
  heard: 0,
  acked: 0,
  target: NONE,
  walk: 'still',
  why: 'cold',
  isJoinStale: false,
  opener: 'none',
  wish: false,
  isDue: false,
  isResting: false,
  hasReached: false,
  rotation: undefined,
  own: NOTHING,
  disowned: NOTHING,
  isForked: false,
  isHealing: false,
  session: undefined,
})

/** A document that nobody has opened yet. */
export function emptyWorld(members: number, left: Budget): World {
  return {
    shared: {
      key: NONE,
      pinned: 0,
      records: [],
      log: [],
      lease: 'none',
      pause: 'none',
      generation: 0,
      made: 0,
      alarms: 0,
      left,
    },
    members: Array.from({ length: members }, newcomer),
    orphans: [],
  }
}
