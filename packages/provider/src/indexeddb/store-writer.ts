import { createSealer, type EpochKeys, type Sealer } from '@y-sealed/envelope'
import type { Clock } from '@y-sealed/key-client'
import type { Epoch } from '../epoch/epoch.ts'
import { errorName } from '../error-name.ts'
import type { Standing } from '../local/persistence.ts'
import type { Problems } from '../problems.ts'
import { type CacheChange, CacheRows } from './cache-rows.ts'
import { transact } from './database.ts'
import type { Holder } from './holder.ts'
import { bodyOf, type OutboxChange, OutboxRows } from './outbox-rows.ts'
import { encodeLogRow, encodePins, sealRow, slots } from './rows.ts'

/** What the log brings is written at most so often; what this user writes, at once. */
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
  /** Everything that waited is durable. */
  onStored(): void
}

interface Open {
  readonly database: IDBDatabase
  readonly keys: EpochKeys
}

/** Brings what changes to the disk: one transaction at a time, with all that has gathered meanwhile. */
export class StoreWriter {
  readonly outbox = new OutboxRows()
  readonly cache = new CacheRows()
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
  #cacheTimer: unknown
  #retryTimer: unknown
  /** The log did not fit: what is typed is smaller, and goes on alone. */
  #cacheNotBeforeMs = Number.NEGATIVE_INFINITY

  constructor(ports: StoreWriterPorts) {
    this.#ports = ports
  }

  /** From here on there is something to write to. */
  open(database: IDBDatabase, keys: EpochKeys): void {
    this.#open = { database, keys }
    this.#cacheDue()
  }

  get isOpen(): boolean {
    return this.#open !== undefined
  }

  /** True: what is in `outbox` is durable; where this page keeps the log, so is what was read of it before. */
  get isStored(): boolean {
    return this.isOpen && this.outbox.isStored
  }

  typed(): void {
    this.#lastTypedMs = this.#ports.clock.now()
    // Without what was acked a moment ago, Yjs could show nothing of what was typed since.
    if (this.#cacheTimer !== undefined) this.#endCacheTimer()
    // The end of the turn: one command is often many updates.
    queueMicrotask(() => this.write())
  }

  settled(): void {
    if (!this.isOpen) this.outbox.forgetSettled()
    else if (this.cache.isBased) this.progress()
    // The document may be complete for the first time: what comes then is only added.
    else this.#cacheDue()
  }

  progress(): void {
    if (this.#open === undefined) return
    this.#cacheTimer ??= this.#ports.clock.setTimeout(() => {
      this.#endCacheTimer()
      this.write()
    }, CACHE_DELAY_MS)
  }

  #endCacheTimer(): void {
    this.#ports.clock.clearTimeout(this.#cacheTimer)
    this.#cacheTimer = undefined
    this.#isCacheDue = true
  }

  #cacheDue(): void {
    this.#isCacheDue = true
    this.write()
  }

  /** Everything now, and planned in this turn unless something is on its way: the page may never run again. */
  hurry(): void {
    this.#cacheDue()
  }

  revoked(): void {
    this.#isRevoked = true
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
    const { problems, clock, onStored } = this.#ports
    try {
      while (await this.#writeOnce()) this.#isAgain = false
      if (this.#cacheNotBeforeMs <= clock.now()) problems.recover('storage')
      onStored()
    } catch (error) {
      this.#failed(error, 'what is written here')
    }
  }

  #failed(error: unknown, what: string): void {
    const { problems, clock } = this.#ports
    if (this.#open === undefined) return
    problems.raise('storage', `${what} is not kept on this device (${errorName(error)})`, 'indexeddb')
    clock.clearTimeout(this.#retryTimer)
    this.#retryTimer = clock.setTimeout(() => this.hurry(), RETRY_MS)
  }

  /** False: there is nothing to write. */
  async #writeOnce(): Promise<boolean> {
    const { clock, holder, standing, wholeLog } = this.#ports
    const open = this.#open
    if (open === undefined) return false
    // Where there is one, what is planned is of this very turn: a page that goes away has no other.
    const sealer = this.#usable ?? (await this.#makeSealer(open))
    const mayCache = holder.isHeld && !this.#isRevoked && clock.now() >= this.#cacheNotBeforeMs
    const isCacheDue = this.#isCacheDue && mayCache
    const place = isCacheDue ? standing() : undefined
    const lock = place && this.#ports.lockFor(place.epoch)
    const isQuiet = clock.now() - this.#lastTypedMs >= QUIET_MS
    const cache = place === undefined || lock === undefined ? undefined : this.cache.plan(place, isQuiet, wholeLog)
    const mayDrop = cache !== undefined || !holder.isHeld || this.#isRevoked
    this.#isCacheDue = false
    const outbox = this.outbox.plan(mayDrop)
    if (cache === undefined && outbox.add.length === 0 && outbox.drop.length === 0) return false
    const lives = { outbox: this.outbox.life, cache: this.cache.life }
    if (cache !== undefined) this.cache.taken()
    try {
      const { keys, isCached } = await this.#commit(open, sealer, outbox, cache, lock)
      this.outbox.done(outbox, keys, lives.outbox)
      if (cache !== undefined && isCached) this.cache.done(cache, lives.cache)
      return true
    } catch (error) {
      if (cache === undefined) throw error
      this.cache.failed(cache, lives.cache)
      this.#cacheNotBeforeMs = clock.now() + RETRY_MS
      this.#failed(error, 'the document')
      return true
    }
  }

  async #commit(
    { database }: Open,
    sealer: Sealer,
    outbox: OutboxChange,
    cache: CacheChange | undefined,
    lock: object | undefined,
  ): Promise<{ keys: number[]; isCached: boolean }> {
    const rows = await Promise.all(outbox.add.map((row) => sealRow(sealer, slots.outbox, bodyOf(row))))
    const sealed = cache && (await this.#sealCache(sealer, cache))
    const { holder } = this.#ports
    // The key may have been refused meanwhile.
    const isCached = sealed !== undefined && !this.#isRevoked
    let isOvertaken = false
    const requests = await transact(database, ['about', 'cache', 'outbox'], 'readwrite', (store) => {
      if (isCached) {
        const pins = store('about').get('pins')
        pins.onsuccess = () => {
          const { how } = sealed
          if (how === 'first') isOvertaken = pins.result !== undefined
          else if (how === 'next') isOvertaken = generationOf(pins.result) !== sealed.generation
          if (isOvertaken) return
          if (how !== 'next') store('cache').clear()
          store('cache').put(sealed.row, sealed.at)
          store('about').put({ generation: sealed.generation, sealed: sealed.pins }, 'pins')
          // Whose key opens it and where it stands never differ.
          store('about').put(lock, 'lock')
        }
      }
      for (const key of outbox.drop) store('outbox').delete(key)
      return rows.map((row) => store('outbox').add(row))
    })
    if (isOvertaken) {
      // Another tab keeps the log now; this one only where nobody arbitrates, and then the last one has it.
      this.cache.found()
      holder.yield()
    }
    return { keys: requests.map(({ result }) => Number(result)), isCached: isCached && !isOvertaken }
  }

  async #sealCache(sealer: Sealer, { how, generation, at, updates, standing }: CacheChange) {
    const { line, cursor, hash } = standing
    const pins = encodePins({ generation, rowCount: at + 1, cursor, hash, line })
    return {
      how,
      generation,
      at,
      row: await sealRow(sealer, slots.cache(generation, at), encodeLogRow(updates)),
      pins: await sealRow(sealer, slots.pins(generation), pins),
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

function generationOf(pins: unknown): unknown {
  return typeof pins === 'object' && pins !== null ? Reflect.get(pins, 'generation') : undefined
}
