import type { Place } from '@y-sealed/protocol'
import type { Epoch } from '../epoch/epoch.ts'
import { equalBytes } from '../hex.ts'
import type { Problems } from '../problems.ts'
import { SealedError } from '../sealed-error.ts'
import type { EpochStart } from './epoch-start.ts'
import { openCheckpoint } from './open-checkpoint.ts'

export interface EpochLoadPorts {
  readonly problems: Problems
  /** Where this epoch can be begun, the best first; undefined: at its start, where nothing was before. */
  placesOf(epoch: Epoch): Promise<ReadonlyArray<Place | undefined>>
  /** The chunks of a checkpoint. Rejects with SealedError. */
  fetch(checkpoint: Uint8Array): Promise<Uint8Array[]>
}

/** Begins an epoch with the newest checkpoint that can be used: one that cannot is told of, and the one before it is taken with the log between. */
export class EpochLoad {
  readonly #ports: EpochLoadPorts

  constructor(ports: EpochLoadPorts) {
    this.#ports = ports
  }

  /** `begin`: has the reader begin; false: what the checkpoint holds is not usable. Undefined if overtaken meanwhile; a SealedError: none can be had. */
  async load(
    epoch: Epoch,
    isOvertaken: () => boolean,
    begin: (start: EpochStart) => boolean,
  ): Promise<EpochStart | SealedError | undefined> {
    const { problems, placesOf } = this.#ports
    const places = await orRefusal(placesOf(epoch))
    if (isOvertaken()) return undefined
    if (places instanceof SealedError) return places
    for (const [at, place] of places.entries()) {
      const start = await this.#open(epoch, place)
      if (isOvertaken()) return undefined
      const isLast = at === places.length - 1
      if (start instanceof SealedError) {
        if (isLast || start.code === 'interrupted') return start
        problems.raise(start.code, start.message, start.where)
      } else if (begin(start) || isLast) {
        return start
      }
    }
    return new SealedError('internal', 'an epoch without a place to begin', 'checkpoint')
  }

  async #open(epoch: Epoch, place: Place | undefined): Promise<EpochStart | SealedError> {
    if (place === undefined) return emptyStart(epoch)
    return orRefusal(this.#ports.fetch(place.checkpoint).then((chunks) => openPlace(epoch, place, chunks)))
  }
}

/** What was had, or why it cannot be had; everything else is thrown on. */
async function orRefusal<Result>(asked: Promise<Result>): Promise<Result | SealedError> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof SealedError) return error
    throw error
  }
}

/** An epoch that began without content. */
export function emptyStart({ parsed, startHash }: Pick<Epoch, 'parsed' | 'startHash'>): EpochStart {
  return { sequence: parsed.prevSequence, hash: startHash, checkpoint: undefined, update: undefined }
}

/**
 * Opens a checkpoint of this epoch. The one that the epoch began with starts it, whatever sequence its author saw (protocol §6); every other says
 * itself where it stands, under seal, and the relay has to agree. Throws SealedError `tampered`, `member-fault`.
 */
export async function openPlace(
  { keys, index, parsed, startHash }: Pick<Epoch, 'keys' | 'index' | 'parsed' | 'startHash'>,
  place: Place,
  chunks: readonly Uint8Array[],
): Promise<EpochStart> {
  const { checkpoint } = place
  const { manifest, update } = await openCheckpoint(keys, index, chunks, checkpoint)
  if (equalBytes(checkpoint, parsed.checkpoint)) {
    return { sequence: parsed.prevSequence, hash: startHash, checkpoint, update }
  }
  const { sequence, hash } = manifest
  if (sequence !== place.sequence || !equalBytes(hash, place.hash)) {
    throw new SealedError('member-fault', 'a checkpoint was stored for another place than its own', 'checkpoint')
  }
  return { sequence, hash, checkpoint, update }
}
