import { EnvelopeKind, type Witness } from '@y-sealed/envelope'
import { type Down, type Joined, type Place, startHash } from '@y-sealed/protocol'
import { CheckpointCheck } from '../checkpoint/checkpoint-check.ts'
import { CheckpointFetch } from '../checkpoint/checkpoint-fetch.ts'
import { CheckpointList } from '../checkpoint/checkpoint-list.ts'
import { Compaction } from '../checkpoint/compaction.ts'
import { EpochLoad } from '../checkpoint/epoch-load.ts'
import type { EpochStart } from '../checkpoint/epoch-start.ts'
import { KnownCheckpoints } from '../checkpoint/known-checkpoints.ts'
import type { ChainedEpoch } from '../epoch/chained-epoch.ts'
import type { Epoch } from '../epoch/epoch.ts'
import { equalBytes } from '../hex.ts'
import type { History } from '../history/history.ts'
import type { Inbound } from '../inbound/inbound.ts'
import type { Taken } from '../inbound/taken.ts'
import type { LogState } from '../log-state/log-state.ts'
import { SealedError } from '../sealed-error.ts'
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
  /** One was made here. */
  onMade(place: Place): void
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
  #listing: CheckpointList | undefined
  #life = 0
  /** After which sequence the relay began to deliver in this session. */
  #deliveredAfter = 0

  constructor(ports: CheckpointsPorts) {
    this.#ports = ports
    const { session, inbound, logState, requests, liveEpoch, onRecord, onMade, heal, witness } = ports
    const { known } = this
    const reader = () => {
      const { cursor, hash, isHolding, isInParts, isSure } = inbound
      return { cursor, hash, isWhole: !isHolding && !isInParts && isSure }
    }
    this.load = new EpochLoad({
      problems: session.problems,
      placesOf: (epoch) => this.#placesOf(epoch),
      fetch: (checkpoint) => this.#fetch(checkpoint),
    })
    this.#compaction = new Compaction({ ...session, ...requests, logState, known, reader, liveEpoch, onRecord, onMade })
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
    this.known.joined(joined, this.#ports.inbound.cursor)
    this.#deliveredAfter = joined.newest?.sequence ?? 0
  }

  /** Which checkpoint a document begins with is known before its keys are: they come side by side. */
  prefetch({ hash, parsed }: ChainedEpoch): void {
    const [place] = this.known.placesOf({ parsed, startHash: startHash(hash) }, this.#ports.isHead(hash))
    if (place !== undefined) this.#fetching ??= this.#begin(place.checkpoint)
  }

  /** The reader begins here. True: what stands behind that has to be asked for. */
  began(epoch: Epoch, start: EpochStart): boolean {
    this.#leave()
    this.known.began(epoch, start)
    return start.sequence < this.#deliveredAfter
  }

  /** The reader has gone on into the next epoch. */
  entered(epoch: Epoch): void {
    this.#leave()
    this.known.entered(epoch)
  }

  /** What is under way is about another place of the log. */
  #leave(): void {
    this.#compaction.yield()
    this.#check.leave()
  }

  /** What the present epoch begins with was made here, and has so many sealed bytes. */
  weighed({ parsed, startHash }: Epoch, bytes: number): void {
    const place = { checkpoint: parsed.checkpoint, sequence: parsed.prevSequence, hash: startHash, bytes }
    this.known.stored(place, true, this.#ports.inbound.cursor)
  }

  /** The document is complete, and can be written. */
  live(): void {
    this.#compaction.live()
    this.#check.look()
  }

  taken({ sequence, bytes, from }: Taken): void {
    this.known.took(sequence, bytes)
    // Nobody has written anything by saying what they have seen.
    if (from?.kind !== EnvelopeKind.witness) this.#compaction.taken()
  }

  /** An update has entered the log state. */
  logged(update: Uint8Array): void {
    this.#compaction.logged(update)
  }

  /** The reader has got on. */
  progress(): void {
    this.#compaction.progress()
    this.#check.look()
  }

  /** An append was acked. */
  appended(): void {
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
    if (this.#fetching?.fetch.takes(message) || this.#listing?.takes(message)) return true
    if (this.#compaction.takes(message)) return true
    if (message.type !== 'compacted') return false
    this.known.stored(message.place, message.named, this.#ports.inbound.cursor)
    this.#compaction.progress()
    this.#check.look()
    return true
  }

  /** The session is over: what is under way comes too late; what is known stays. */
  stop(): void {
    this.#life++
    this.#fetching?.fetch.stop()
    this.#fetching = undefined
    this.#listing?.stop(
      new SealedError('interrupted', 'the session ended before the checkpoints were listed', 'checkpoint'),
    )
    this.#listing = undefined
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

  /** Where an epoch can be begun. What the relay has told at the join is of its head; of one before, whose beginning it does not keep, it is asked. */
  async #placesOf(epoch: Epoch): Promise<ReadonlyArray<Place | undefined>> {
    const isHead = this.#ports.isHead(epoch.hash)
    if (isHead || this.known.pruned <= epoch.parsed.prevSequence) return this.known.placesOf(epoch, isHead)
    this.#listing = new CheckpointList(this.#ports.requests, epoch.hash)
    const kept = await this.#listing.start()
    return kept.length > 0 ? [...kept].reverse() : this.known.placesOf(epoch, isHead)
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
