import { createSealer, type EpochKeys, type Sealer } from '@y-sealed/envelope'
import type { Clock } from '@y-sealed/key-client'
import type { Epoch } from '../epoch/epoch.ts'
import { errorName } from '../error-name.ts'
import type { Standing } from '../local/persistence.ts'
import type { Problems } from '../problems.ts'
import { type CacheChange, CacheRows } from './cache-rows.ts'
import { Footing, type Taken } from './footing.ts'
import type { Holder } from './holder.ts'
import { openPins } from './load-store.ts'
import { bodyOf, type OutboxChange, OutboxRows } from './outbox-rows.ts'
import { type Edit, encodeLogRow, encodePins, type Pins, sealRow, slots } from './rows.ts'
import { type SealedLogRow, type Written, writeStore } from './write-store.ts'

/** The log is written at most so often, whoever types; what this user writes, at once. */
const CACHE_DELAY_MS = 500
/** Joining the rows of a large document holds up the page for a moment: not while somebody types. */
const QUIET_MS = 2_000
/** A full disk does not get empty by asking. What is typed asks at once. */
const RETRY_MS = 30_000

export interface StoreWriterPorts {
  readonly clock: Clock
  readonly problems: Problems
  readonly holder: Holder
  standing(): Standing | undefined
  wholeLog(): Uint8Array | undefined
  /** What `about` is to say of whose key opens the store, sealed for an epoch; undefined: not yet. */
  lockFor(epoch: Epoch): object | undefined
  /** What could be written is. */
  onWritten(): void
}

interface Open {
  readonly database: IDBDatabase
  readonly keys: EpochKeys
}

/** Brings what changes to the disk: one transaction at a time, with all that has gathered meanwhile. */
export class StoreWriter {
  readonly outbox = new OutboxRows()
  readonly cache = new CacheRows()
  readonly #footing = new Footing()
  readonly #ports: StoreWriterPorts
  #open: Open | undefined
  #sealer: Sealer | undefined
  #isSealerStale = false
  #writing: Promise<void> | undefined
  #isAgain = false
  #isCacheDue = false
  /** The log is not kept: this user may not have the key any more. */
  #isRevoked = false
  #lastTypedMs = Number.NEGATIVE_INFINITY
  /** When the log was written last, or asked for. */
  #cachedMs = Number.NEGATIVE_INFINITY
  #cacheTimer: unknown
  #retryTimer: unknown
  /** Has to be in the store, and is not for this tab to bring there. */
  #awaited: Taken | undefined
  #askAgainMs = CACHE_DELAY_MS
  /** What the store held of it is of another history than what was read since. */
  #forsaken: string | undefined
  /** The log did not fit: what is typed is smaller, and goes on alone. */
  #cacheNotBeforeMs = Number.NEGATIVE_INFINITY

  constructor(ports: StoreWriterPorts) {
    this.#ports = ports
  }

  /** From here on there is something to write to. */
  open(database: IDBDatabase, keys: EpochKeys): void {
    this.#open = { database, keys }
    for (const update of this.outbox.updates) this.#footing.written(update)
    this.hurry()
  }

  get isOpen(): boolean {
    return this.#open !== undefined
  }

  /** What is in `outbox` is durable, and so is what it rests on: after a crash it is shown. Who is shut out is shown nothing. */
  get isStored(): boolean {
    return this.isOpen && (this.#isRevoked ? this.outbox.isWritten : this.outbox.isShown(this.#footing))
  }

  typed(edit: Edit, place: number): void {
    this.#lastTypedMs = this.#ports.clock.now()
    const footing = this.#footing.typed(edit.update, this.isOpen)
    this.outbox.add(edit, place, footing)
    if (!this.#footing.has(footing) || this.outbox.hasSettled) this.#cacheSoon()
    // The end of the turn: one command is often many updates.
    queueMicrotask(() => this.write())
  }

  /** Everything has other ids now. */
  reissued(edit: Edit | undefined, place: number): void {
    this.outbox.clear()
    if (edit !== undefined) this.typed(edit, place)
    else queueMicrotask(() => this.write())
  }

  settled(through: number): void {
    this.outbox.settle(through)
    // Of what was settled before there was a store the log alone has the words.
    if (!this.isOpen) this.outbox.forgetSettled()
    else if (this.cache.isBased || !this.#ports.holder.isHeld) this.progress()
    // The document may be complete for the first time: what comes then is only added.
    else this.hurry()
  }

  /** The reader begins with what the store holds, and has told of it as of the log. */
  restored(pins: Pins): void {
    this.cache.restored(pins)
    this.#footing.kept(this.#footing.take(this.outbox.settled))
  }

  began(): void {
    this.#forsaken = this.cache.generation
    this.#awaited = undefined
    this.#footing.began()
    this.cache.begin()
  }

  logged(update: Uint8Array, sequence: number): void {
    this.cache.log(update)
    this.#footing.logged(update, sequence)
  }

  progress(): void {
    if (this.#open === undefined) return
    this.#cacheTimer ??= this.#ports.clock.setTimeout(() => {
      this.#endCacheTimer()
      this.write()
    }, CACHE_DELAY_MS)
  }

  /** What rests on words that are in this page only is of no use without them; and one transaction does for both. */
  #cacheSoon(): void {
    if (this.#ports.clock.now() - this.#cachedMs < CACHE_DELAY_MS) this.progress()
    else this.#endCacheTimer()
  }

  #endCacheTimer(): void {
    this.#ports.clock.clearTimeout(this.#cacheTimer)
    this.#cacheTimer = undefined
    this.#isCacheDue = true
  }

  /** Everything now, and planned in this turn unless something is on its way: the page may never run again. */
  hurry(): void {
    this.#isCacheDue = true
    this.write()
  }

  revoked(): void {
    this.#isRevoked = true
    this.#footing.lost()
    this.#awaited = undefined
    this.cache.begin()
  }

  granted(): void {
    this.#isRevoked = false
  }

  /** A page that was frozen goes on under another salt. */
  renewSealer(): void {
    this.#isSealerStale = true
  }

  write(): void {
    if (this.#open === undefined) return
    if (this.#writing !== undefined) {
      this.#isAgain = true
      return
    }
    this.#writing = this.#writeAll().finally(() => {
      this.#writing = undefined
      if (this.#isAgain) {
        this.#isAgain = false
        this.write()
      }
    })
  }

  /** Resolves when all that was to be written is, or has failed; nothing is written afterwards. */
  async close(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing
    this.#ports.clock.clearTimeout(this.#cacheTimer)
    this.#ports.clock.clearTimeout(this.#retryTimer)
    this.#open = undefined
    this.#sealer?.retire()
  }

  async #writeAll(): Promise<void> {
    const { problems, clock, onWritten } = this.#ports
    try {
      while (await this.#writeOnce()) this.#isAgain = false
      if (this.#cacheNotBeforeMs <= clock.now()) problems.recover('storage')
      onWritten()
    } catch (error) {
      this.#failed(error, 'what is written here')
    }
  }

  #failed(error: unknown, what: string): void {
    if (this.#open === undefined) return
    this.#ports.problems.raise('storage', `${what} is not kept on this device (${errorName(error)})`, 'indexeddb')
    this.#retryIn(RETRY_MS)
  }

  #retryIn(delayMs: number): void {
    const { clock } = this.#ports
    clock.clearTimeout(this.#retryTimer)
    this.#retryTimer = clock.setTimeout(() => this.hurry(), delayMs)
  }

  /** False: there is nothing to write. */
  async #writeOnce(): Promise<boolean> {
    const { clock, holder, standing, wholeLog } = this.#ports
    const open = this.#open
    if (open === undefined) return false
    // Where there is one, what is planned is of this very turn: a page that goes away has no other.
    const sealer = this.#usable ?? (await this.#makeSealer(open))
    const place = this.#isCacheDue ? standing() : undefined
    const lock = place && this.#ports.lockFor(place.epoch)
    const isQuiet = clock.now() - this.#lastTypedMs >= QUIET_MS
    const mayCache = holder.isHeld && !this.#isRevoked && clock.now() >= this.#cacheNotBeforeMs
    const cache = mayCache && place && lock ? this.cache.plan(place, isQuiet, wholeLog) : undefined
    const taken = cache && this.#footing.take(this.outbox.settled)
    const awaited = cache === undefined ? this.#await(place !== undefined) : undefined
    // What cannot be said yet stays due.
    if ((place !== undefined && lock !== undefined) || awaited !== undefined) this.#isCacheDue = false
    if (cache !== undefined || awaited !== undefined) this.#cachedMs = clock.now()
    const isInLog = cache !== undefined || this.cache.isComplete || this.#isRevoked
    const outbox = this.outbox.plan(isInLog ? this.outbox.settled : this.#footing.settled)
    const isNothing = outbox.add.length === 0 && outbox.drop.length === 0 && outbox.settled.size === 0
    if (cache === undefined && awaited === undefined && isNothing) return false
    const lives = { outbox: this.outbox.life, cache: this.cache.life }
    if (cache !== undefined) this.cache.taken()
    try {
      const done = await this.#commit(open, sealer, outbox, cache, lock, awaited !== undefined)
      this.outbox.done(outbox, done.keys, lives.outbox, !done.isOvertaken)
      if (cache !== undefined && taken !== undefined && done.isCached) {
        this.cache.done(cache, lives.cache)
        if (!this.#isRevoked) this.#footing.kept(taken)
        this.#awaited = undefined
      }
      if (awaited !== undefined) await this.#answer(open, awaited, done.pins)
      return true
    } catch (error) {
      if (cache === undefined) throw error
      this.cache.failed(cache, lives.cache)
      this.#cacheNotBeforeMs = clock.now() + RETRY_MS
      this.#failed(error, 'the document')
      return true
    }
  }

  /** What is to be in the store and is not for this tab to bring there: another keeps the log, or there is more of it than this one knows. */
  #await(isWhole: boolean): Taken | undefined {
    const isOwn = this.#ports.holder.isHeld && this.cache.isBased
    if (!isWhole || isOwn || this.#isRevoked || !this.outbox.waitsFor(this.#footing)) return undefined
    this.#awaited ??= this.#footing.take(this.outbox.settled)
    return this.#awaited
  }

  /** How far the log is kept. */
  async #answer({ keys }: Open, awaited: Taken, found: unknown): Promise<void> {
    const pins = found === undefined ? undefined : await openPins(keys, found)
    // It may be another's by now, or nobody's.
    if (awaited !== this.#awaited) return
    if (pins !== undefined && !this.cache.isOf(pins)) this.cache.found()
    if (pins === undefined || pins.cursor < awaited.sequence || pins.generation === this.#forsaken) {
      this.#retryIn(this.#askAgainMs)
      this.#askAgainMs = Math.min(RETRY_MS, 2 * this.#askAgainMs)
      return
    }
    this.#footing.kept(awaited)
    this.#awaited = undefined
    this.#askAgainMs = CACHE_DELAY_MS
    // More may have come meanwhile.
    if (this.outbox.waitsFor(this.#footing)) this.progress()
  }

  async #commit(
    { database }: Open,
    sealer: Sealer,
    outbox: OutboxChange,
    cache: CacheChange | undefined,
    lock: object | undefined,
    asks: boolean,
  ): Promise<Written & { isCached: boolean }> {
    const rows = await Promise.all(outbox.add.map((row) => sealRow(sealer, slots.outbox, bodyOf(row))))
    const sealed = cache && lock ? await this.#sealCache(sealer, cache, lock) : undefined
    // The key may have been refused meanwhile.
    const log = this.#isRevoked ? undefined : sealed
    const written = await writeStore(database, { outbox, rows, log, asks })
    if (written.isOvertaken) {
      // Another tab keeps the log now; this one only where nobody arbitrates, and then the last one has it.
      this.cache.found()
      this.#ports.holder.yield()
      this.#isCacheDue = true
    }
    return { ...written, isCached: log !== undefined && !written.isOvertaken }
  }

  async #sealCache(sealer: Sealer, cache: CacheChange, lock: object): Promise<SealedLogRow> {
    const { how, generation, at, updates, standing } = cache
    const { line, cursor, hash } = standing
    const pins = encodePins({ generation, rowCount: at + 1, cursor, hash, line })
    return {
      how,
      generation,
      at,
      row: await sealRow(sealer, slots.cache(generation, at), encodeLogRow(updates)),
      pins: await sealRow(sealer, slots.pins(generation), pins),
      lock,
    }
  }

  get #usable(): Sealer | undefined {
    return this.#isSealerStale || this.#sealer?.isSpent() ? undefined : this.#sealer
  }

  async #makeSealer({ keys }: Open): Promise<Sealer> {
    this.#sealer?.retire()
    this.#isSealerStale = false
    this.#sealer = await createSealer(keys, { epochIndex: 0, wire: false })
    return this.#sealer
  }
}
