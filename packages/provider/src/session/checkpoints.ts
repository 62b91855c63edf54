import type { Witness } from '@y-sealed/envelope'
import { type Down, type Joined, startHash } from '@y-sealed/protocol'
import { CheckpointCheck } from '../checkpoint/checkpoint-check.ts'
import { CheckpointFetch } from '../checkpoint/checkpoint-fetch.ts'
import { Compaction } from '../checkpoint/compaction.ts'
import { EpochLoad } from '../checkpoint/epoch-load.ts'
import type { EpochStart } from '../checkpoint/epoch-start.ts'
import { KnownCheckpoints } from '../checkpoint/known-checkpoints.ts'
import type { ChainedEpoch } from '../epoch/chained-epoch.ts'
import type { Epoch } from '../epoch/epoch.ts'
import { equalBytes } from '../hex.ts'
import type { History } from '../history/history.ts'
import type { Inbound } from '../inbound/inbound.ts'
import type { LogState } from '../log-state/log-state.ts'
import type { SealedError } from '../sealed-error.ts'
import type { Requests } from './channel.ts'
import type { SessionPorts } from './session-ports.ts'

export interface CheckpointsPorts {
  readonly session: SessionPorts
  readonly inbound: Inbound
  readonly logState: LogState
  readonly requests: Requests
  history(): History
  /** The relay shows no epoch after this one. */
  isHead(recordHash: Uint8Array): boolean
  /** The epoch of a session that is complete, may write and is not about to leave it; undefined otherwise. */
  liveEpoch(): Epoch | undefined
  /** Another head record came with a refusal. */
  onRecord(record: Uint8Array): void
  /** What the document holds and the log lacks is to be published, as a repair. */
  heal(): void
  /** To be appended with what is sent next; asked for it in that moment. */
  witness(make: () => Witness | undefined): void
}

interface Fetching {
  readonly checkpoint: Uint8Array
  readonly fetch: CheckpointFetch
  readonly chunks: Promise<Uint8Array[]>
}

/** What a session does with checkpoints: begins with one, makes the next, and vouches for others'. */
export class Checkpoints {
  readonly known = new KnownCheckpoints()
  readonly load: EpochLoad
  readonly #ports: CheckpointsPorts
  readonly #compaction: Compaction
  readonly #check: CheckpointCheck
  #fetching: Fetching | undefined
  #life = 0
  /** After which sequence the relay began to deliver in this session. */
  #deliveredAfter = 0

  constructor(ports: CheckpointsPorts) {
    this.#ports = ports
    const { session, inbound, logState, requests, liveEpoch, onRecord, heal, witness } = ports
    const { known } = this
    const reader = () => {
      const { cursor, hash, isHolding, isInParts } = inbound
      return { cursor, hash, isWhole: !isHolding && !isInParts }
    }
    this.load = new EpochLoad({
      problems: session.problems,
      placesOf: (epoch) => known.placesOf(epoch, ports.isHead(epoch.hash)),
      fetch: (checkpoint) => this.#fetch(checkpoint),
    })
    this.#compaction = new Compaction({ ...session, ...requests, logState, known, reader, liveEpoch, onRecord })
    this.#check = new CheckpointCheck({
      ...session,
      logState,
      known,
      reader,
      liveEpoch,
      heal,
      witness,
      history: () => ports.history(),
      isSettled: () => session.outbox.isEmpty,
    })
  }

  /** What the relay owes an answer to, and how far it has got; undefined while it owes nothing. */
  get owed(): string | undefined {
    return this.#fetching?.fetch.isWaiting === true ? 'checkpoint' : this.#compaction.owed
  }

  /** Resolves once a checkpoint covers everything that is in the log now. */
  compact(): Promise<void> {
    return this.#compaction.wish()
  }

  joined(joined: Joined): void {
    this.known.joined(joined)
    this.#deliveredAfter = joined.newest?.sequence ?? 0
  }

  /** Which checkpoint a document begins with is known before its keys are: they come side by side. */
  prefetch({ hash, parsed }: ChainedEpoch): void {
    const [place] = this.known.placesOf({ parsed, startHash: startHash(hash) }, this.#ports.isHead(hash))
    if (place !== undefined) this.#fetching ??= this.#begin(place.checkpoint)
  }

  /** The reader begins here. True: what stands behind that has to be asked for. */
  began(epoch: Epoch, start: EpochStart): boolean {
    this.#compaction.yield()
    this.known.began(epoch, start)
    return start.sequence < this.#deliveredAfter
  }

  /** The reader has gone on into the next epoch. */
  entered(epoch: Epoch): void {
    this.#compaction.yield()
    this.known.entered(epoch)
  }

  taken(sequence: number, bytes: number): void {
    this.known.took(sequence, bytes)
    this.#compaction.taken()
  }

  heard({ checkpoint }: Witness): void {
    if (checkpoint !== undefined) this.known.witnessed(checkpoint)
  }

  /** An update has entered the log state. */
  logged(update: Uint8Array): void {
    this.#compaction.logged(update)
  }

  /** The reader has got on. */
  progress(): void {
    this.#compaction.read()
    this.#check.look()
  }

  /** An append was acked. */
  wrote(): void {
    this.#check.appended()
  }

  /** The user changed the document. */
  typed(): void {
    this.#compaction.typed()
  }

  /** A rotation begins. */
  yield(): void {
    this.#compaction.yield()
  }

  /** True if the message answered something that was asked here, or tells of a checkpoint. */
  takes(message: Down): boolean {
    if (this.#fetching?.fetch.takes(message) === true || this.#compaction.takes(message)) return true
    if (message.type !== 'compacted') return false
    this.#compaction.stored(message.place)
    this.#check.look()
    return true
  }

  /** The session is over: what is under way comes too late; what is known stays. */
  stop(): void {
    this.#life++
    this.#fetching?.fetch.stop()
    this.#fetching = undefined
    this.#compaction.stop()
    this.#check.stop()
  }

  /** This session cannot make any. */
  refuse(error: SealedError): void {
    this.#compaction.refuse(error)
  }

  /** Whoever waits for a checkpoint waits in vain. */
  end(error: SealedError): void {
    this.stop()
    this.#compaction.end(error)
  }

  /** Asks for it, unless that was done already. */
  async #fetch(checkpoint: Uint8Array): Promise<Uint8Array[]> {
    if (this.#fetching === undefined || !equalBytes(this.#fetching.checkpoint, checkpoint)) {
      this.#fetching?.fetch.stop()
      this.#fetching = this.#begin(checkpoint)
    }
    const fetching = this.#fetching
    try {
      return await fetching.chunks
    } finally {
      if (this.#fetching === fetching) this.#fetching = undefined
    }
  }

  #begin(checkpoint: Uint8Array): Fetching {
    const life = this.#life
    const fetch = new CheckpointFetch(this.#ports.requests, checkpoint)
    const chunks = fetch.start()
    // Whoever watches the wire may have ended the session in this very turn.
    if (life !== this.#life) fetch.stop()
    // Who waits for it hears of a failure; before that nobody may be waiting.
    chunks.catch(() => {})
    return { checkpoint, fetch, chunks }
  }
}
