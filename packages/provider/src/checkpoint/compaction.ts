import type { Clock } from '@y-sealed/key-client'
import type { Down, Place } from '@y-sealed/protocol'
import type { Epoch } from '../epoch/epoch.ts'
import { factsOf } from '../epoch/key-desk.ts'
import type { Problems } from '../problems.ts'
import { SealedError } from '../sealed-error.ts'
import { isCompactionDue } from './compaction-rule.ts'
import { type CompactionEnd, Compactor, type CompactorPorts } from './compactor.ts'
import type { KnownCheckpoints } from './known-checkpoints.ts'

/** Between two looks at the rule: a tail that is due can wait, and a room's members must not look all at once. */
const LOOK_MS = 5_000
/** Encoding a large document holds up the page for a moment: not while somebody types into it. */
const IDLE_MS = 2_000
/** Somebody who never stops typing gets the pause of an encoding after this long. */
const MAX_IDLE_WAIT_MS = 60_000
/** A room in which nobody has written for this long is quiet. */
const QUIET_MS = 30_000
/** The lease is another's (a minute at most after it has vanished), or something failed. */
const RETRY_MS = 60_000
/** Somebody waits for it. */
const WISHED_RETRY_MS = 2_000
/** What is over a limit of the relay's will be tomorrow. */
const LIMIT_RETRY_MS = 3_600_000

export interface CompactionPorts extends Omit<CompactorPorts, 'isNewest' | 'onStored' | 'onEnded'> {
  readonly clock: Clock
  readonly problems: Problems
  readonly known: KnownCheckpoints
  /** The epoch of a session that is complete, may write and is not about to leave it; undefined otherwise. */
  liveEpoch(): Epoch | undefined
  /** One was made here, and the relay has stored it. */
  onMade(place: Place): void
  /** The relay's head is another than the one that was to be covered. */
  onRecord(record: Uint8Array): void
}

interface Wish {
  /** The last sequence that the checkpoint is to cover. */
  readonly through: number
  resolve(): void
  reject(error: SealedError): void
}

/** When a checkpoint is made (the rule, or a wish), and the one that is being made. */
export class Compaction {
  readonly #ports: CompactionPorts
  #compactor: Compactor | undefined
  #wishes: Wish[] = []
  #timer: unknown
  #lastTypedMs = Number.NEGATIVE_INFINITY
  #lastTakenMs = Number.NEGATIVE_INFINITY
  #dueSinceMs: number | undefined
  #notBeforeMs = Number.NEGATIVE_INFINITY

  constructor(ports: CompactionPorts) {
    this.#ports = ports
  }

  get owed(): string | undefined {
    return this.#compactor?.owed
  }

  /** Resolves once the newest checkpoint covers everything that is in the log now; waits while the session is not live. */
  wish(): Promise<void> {
    const { cursor: through } = this.#ports.reader()
    const wished = new Promise<void>((resolve, reject) => {
      this.#wishes.push({ through, resolve, reject })
    })
    // Whoever asks does not wait for what an earlier attempt has met.
    this.#notBeforeMs = Number.NEGATIVE_INFINITY
    this.progress()
    return wished
  }

  /** The user changed the document. */
  typed(): void {
    this.#lastTypedMs = this.#ports.clock.now()
  }

  /** An entry was taken from the log. */
  taken(): void {
    this.#lastTakenMs = this.#ports.clock.now()
    this.#lookLater()
  }

  logged(update: Uint8Array): void {
    this.#compactor?.logged(update)
  }

  /** The document is complete. Whether the others are quiet, or it seems so because this client was away, it has to hear first. */
  live(): void {
    this.#lastTakenMs = this.#ports.clock.now()
    this.#lookLater()
    this.progress()
  }

  /** The reader has got on, or there is another checkpoint. */
  progress(): void {
    this.#compactor?.read()
    this.#resolveCovered()
    if (this.#wishes.length === 0 || this.#compactor !== undefined || this.#ports.liveEpoch() === undefined) return
    if (this.#ports.clock.now() >= this.#notBeforeMs) this.#start()
    else this.#lookLater()
  }

  takes(message: Down): boolean {
    return this.#compactor?.takes(message) ?? false
  }

  /** Another epoch begins, or is about to, with a checkpoint of its own. */
  yield(): void {
    this.#compactor?.stop()
    this.#compactor = undefined
    // What is wished for is made after it, or if nothing comes of it.
    if (this.#wishes.length > 0) this.#lookLater()
  }

  /** The connection is gone; what was wished for is tried again on the next one. */
  stop(): void {
    this.yield()
    this.#ports.clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#dueSinceMs = undefined
    this.#notBeforeMs = Number.NEGATIVE_INFINITY
  }

  /** The session is over for good. */
  end(error: SealedError): void {
    this.stop()
    this.refuse(error)
  }

  /** What is wished for cannot be had. */
  refuse(error: SealedError): void {
    for (const { reject } of this.#takeWishes()) reject(error)
  }

  #lookLater(): void {
    const delayMs = (this.#wishes.length > 0 ? WISHED_RETRY_MS : LOOK_MS) * (1 + Math.random())
    this.#timer ??= this.#ports.clock.setTimeout(() => {
      this.#timer = undefined
      this.#look()
      this.progress()
      if (this.#wishes.length > 0 && this.#compactor === undefined) this.#lookLater()
    }, delayMs)
  }

  #look(): void {
    const { clock, liveEpoch } = this.#ports
    if (liveEpoch() === undefined || this.#compactor !== undefined) return
    const nowMs = clock.now()
    const isQuiet = nowMs - this.#lastTakenMs >= QUIET_MS
    if (!this.#isDue(isQuiet)) {
      this.#dueSinceMs = undefined
      // In a room that has been quiet nothing changes until somebody writes.
      if (!isQuiet) this.#lookLater()
      return
    }
    this.#dueSinceMs ??= nowMs
    const isIdle = nowMs - this.#lastTypedMs >= IDLE_MS || nowMs - this.#dueSinceMs >= MAX_IDLE_WAIT_MS
    if (isIdle && nowMs >= this.#notBeforeMs) this.#start()
    else this.#lookLater()
  }

  #isDue(isQuiet: boolean): boolean {
    const { tail, newest } = this.#ports.known
    return isCompactionDue({ ...tail, checkpointBytes: newest?.bytes ?? 0, isQuiet })
  }

  #resolveCovered(): void {
    const { covered } = this.#ports.known
    const wishes = this.#wishes
    this.#wishes = wishes.filter(({ through }) => through > covered)
    for (const { through, resolve } of wishes) if (through <= covered) resolve()
  }

  #start(): void {
    const { known, reader } = this.#ports
    const epoch = this.#ports.liveEpoch()
    if (epoch === undefined) return
    this.#compactor = new Compactor(
      {
        ...this.#ports,
        isNewest: (place) => known.isNewest(place),
        onStored: (place, isNamed) => {
          this.#ports.problems.count('checkpoints-made')
          known.made(place, isNamed, reader().cursor)
          this.#ports.onMade(place)
        },
        onEnded: (why) => this.#ended(why),
      },
      epoch,
      known.newest,
    )
    this.#compactor.begin()
  }

  #ended(why: CompactionEnd): void {
    const { clock, problems, onRecord } = this.#ports
    this.#compactor = undefined
    this.#dueSinceMs = undefined
    if (why.is === 'stored') {
      this.progress()
      return
    }
    const error = errorOf(why)
    const isOverLimit = error?.code === 'limit'
    const retryMs = this.#wishes.length > 0 ? WISHED_RETRY_MS : RETRY_MS
    this.#notBeforeMs = clock.now() + (isOverLimit ? LIMIT_RETRY_MS : retryMs * (1 + Math.random()))
    if (why.is === 'stale-epoch' && why.record !== undefined) onRecord(why.record)
    if (error === undefined) {
      // Somebody else is at it, or was quicker.
      this.#lookLater()
      return
    }
    problems.raise(error.code, error.message, error.where)
    this.refuse(error)
    this.#lookLater()
  }

  #takeWishes(): Wish[] {
    const wishes = this.#wishes
    this.#wishes = []
    return wishes
  }
}

/** What a person should hear of; undefined: a race that somebody else has won. */
function errorOf(why: Exclude<CompactionEnd, { is: 'stored' }>): SealedError | undefined {
  if (why.is === 'failed') {
    if (why.error instanceof SealedError) return why.error
    const { code, message } = factsOf(why.error)
    return new SealedError(code, message, 'checkpoint')
  }
  switch (why.is) {
    case 'busy':
    case 'stale-epoch':
    case 'stale-checkpoint':
    case 'unknown-channel':
      return undefined
    case 'limit':
      return new SealedError('limit', 'the relay takes no checkpoint of this size', 'checkpoint')
    case 'write-denied':
      return new SealedError('write-denied', 'this session may only read', 'checkpoint')
    default:
      return new SealedError('relay-fault', `the relay refuses a checkpoint: ${why.is}`, 'checkpoint')
  }
}
