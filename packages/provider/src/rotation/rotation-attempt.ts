import { createSealer, EnvelopeKind, type EpochKeys, type Sealer } from '@y-sealed/envelope'
import type { Clock } from '@y-sealed/key-client'
import * as Y from 'yjs'
import { sealCheckpoint } from '../checkpoint/seal-checkpoint.ts'
import { stateDigest } from '../checkpoint/state-digest.ts'
import { createEpoch, deriveNewKeys, type Epoch, type FreshKey } from '../epoch/epoch.ts'
import type { WholeLog } from '../log-state/covered-log.ts'
import { StagedFrames } from '../outbound/staged-frames.ts'

/** `Y.mergeUpdates` is quadratic; up to this many it is quicker than sealing each alone. */
const MERGED_UPDATES = 64

/** Where the log stood that a checkpoint covers. */
export interface Covered extends WholeLog {
  readonly sequence: number
  readonly hash: Uint8Array
}

/** What the new epoch follows. */
export interface Ending {
  /** The last good epoch: its keys make the link. */
  readonly epoch: Epoch
  /** A checkpoint from which its log can be read; zeros: it has none. */
  readonly checkpoint: Uint8Array
  /** Where the relay's log ends, and H there. */
  readonly sequence: number
  readonly hash: Uint8Array
  /** Above every index that is known. */
  readonly index: number
}

/** One attempt at an epoch: its keys, its sealer, its checkpoint and what goes up with it. A new attempt has all of these anew (protocol §3). */
export class RotationAttempt {
  readonly frames: StagedFrames
  checkpointHash: Uint8Array | undefined
  /** Sealed, all chunks together. */
  checkpointBytes = 0
  /** Plain, for a rotator that begins with it itself. */
  checkpointUpdate: Uint8Array | undefined
  readonly #fresh: FreshKey
  readonly #keys: EpochKeys
  readonly #sealer: Sealer
  readonly #index: number
  readonly #padding: boolean
  readonly #clock: Clock

  private constructor(options: AttemptOptions, keys: EpochKeys, sealer: Sealer) {
    this.frames = new StagedFrames(options.maxFrameBytes)
    this.#fresh = options.fresh
    this.#index = options.index
    this.#padding = options.padding
    this.#clock = options.clock
    this.#keys = keys
    this.#sealer = sealer
  }

  static async begin(options: AttemptOptions): Promise<RotationAttempt> {
    const { fresh, documentId, index, padding, clock } = options
    const keys = await deriveNewKeys(fresh, documentId)
    const sealer = await createSealer(keys, { epochIndex: index, wire: false, padding, now: () => clock.now() })
    return new RotationAttempt(options, keys, sealer)
  }

  /** Seals what the document was at one sequence. `previous`: hash of the checkpoint before this one, if there is one. */
  async addCheckpoint({ update, state, sequence, hash }: Covered, previous: Uint8Array | undefined): Promise<void> {
    const manifest = { sequence, hash, previous, digest: await stateDigest(state), unixMs: this.#clock.now() }
    const { chunks, hash: checkpointHash } = await sealCheckpoint({
      keys: this.#keys,
      epochIndex: this.#index,
      padding: this.#padding,
      clock: this.#clock,
      manifest,
      update,
    })
    this.checkpointHash = checkpointHash
    this.checkpointUpdate = update
    this.checkpointBytes = chunks.reduce((sum, { length }) => sum + length, 0)
    this.frames.addChunks(chunks)
  }

  /** Seals again what the log got after that; returns its sealed bytes. */
  async addTail(updates: readonly Uint8Array[]): Promise<number> {
    let bytes = 0
    for (let i = 0; i < updates.length; i += MERGED_UPDATES) {
      const some = updates.slice(i, i + MERGED_UPDATES)
      const update = some.length === 1 && some[0] !== undefined ? some[0] : Y.mergeUpdates(some)
      const envelopes = await this.#sealer.seal(EnvelopeKind.update, update, { repair: true })
      for (const { length } of envelopes) bytes += length
      this.frames.addEntries(envelopes)
    }
    return bytes
  }

  /** The epoch as the relay is asked to open it. */
  end({ epoch, checkpoint, sequence, hash, index }: Ending): Promise<Epoch> {
    return createEpoch(this.#keys, this.#fresh, {
      index,
      prevRecord: epoch.hash,
      previousKeys: epoch.keys,
      prevSequence: sequence,
      prevHash: hash,
      prevCheckpoint: checkpoint,
      ...(this.checkpointHash === undefined ? {} : { checkpoint: this.checkpointHash }),
    })
  }

  /** `keepKeys`: the epoch was opened with them. */
  letGo(keepKeys: boolean): void {
    this.#sealer.retire()
    if (!keepKeys) this.#keys.forget()
  }
}

export interface AttemptOptions {
  readonly fresh: FreshKey
  readonly documentId: string
  readonly index: number
  readonly padding: boolean
  readonly clock: Clock
  /** Sealed bytes that the relay takes in one frame. */
  readonly maxFrameBytes: number
}
