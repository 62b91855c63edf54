import type { EpochKeys } from '@y-sealed/envelope'
import * as Y from 'yjs'
import type { Adopted, Epoch } from '../epoch/epoch.ts'
import { errorName } from '../error-name.ts'
import { equalBytes, hex } from '../hex.ts'
import type { LocalCopy, LocalCopyPorts } from '../local/persistence.ts'
import { rethrowLater } from '../rethrow-later.ts'
import { ALL_STORES, deleteDatabase, openDatabase, transact } from './database.ts'
import { lockToDevice, openDeviceLock } from './device-lock.ts'
import { Holder } from './holder.ts'
import { type LoadedStore, loadStore } from './load-store.ts'
import { Migration } from './migration.ts'
import { setAside } from './set-aside.ts'
import {
  deriveStoreKeys,
  drawStoreKey,
  encodeLock,
  isLockOf,
  openStoreKey,
  parseLock,
  type StoreLock,
  sealStoreKey,
} from './store-lock.ts'
import { StoreWriter } from './store-writer.ts'

export interface SealedCopyOptions {
  readonly offlineUnlock: boolean
  readonly account: string
  readonly migrateFrom: string | undefined
  readonly askToPersist: boolean
}

/** A store whose key is here. */
interface Unlocked {
  readonly key: Uint8Array
  readonly keys: EpochKeys
  readonly nonce: Uint8Array
}

/**
 * One document's copy in IndexedDB. Sealed under a key of its own, which is sealed under the newest epoch that was accepted (protocol §8): whoever
 * opens it has the document's key or, with `offlineUnlock`, this browser's.
 */
export class SealedCopy implements LocalCopy {
  readonly whenLoaded: Promise<void>
  readonly #ports: LocalCopyPorts
  readonly #options: SealedCopyOptions
  readonly #holder = new Holder(() => this.#writer.hurry())
  readonly #writer: StoreWriter
  readonly #migration: Migration | undefined
  readonly #opened: Promise<void>
  #name = ''
  #database: IDBDatabase | undefined
  /** As it stands in the store; undefined: there is none yet. */
  #lock: StoreLock | undefined
  /** The same for the epoch in use, as soon as the log of that is kept. */
  #nextLock: StoreLock | undefined
  #unlocked: Unlocked | undefined
  #loaded: LoadedStore | undefined
  /** The hint of the epoch in use, which may be newer than the one that the store is locked to. */
  #hint: string | undefined
  #preparing: Promise<boolean> | undefined
  #isPrepared = false
  #isOff = false
  #destroyed: Promise<void> | undefined
  #resolveLoaded: () => void = () => {}
  /** What changes the lock happens one after the other. */
  #turn: Promise<void>

  constructor(ports: LocalCopyPorts, options: SealedCopyOptions) {
    this.#ports = ports
    this.#options = options
    this.whenLoaded = new Promise((resolve) => {
      this.#resolveLoaded = resolve
    })
    const { migrateFrom } = options
    this.#migration = migrateFrom === undefined ? undefined : new Migration(migrateFrom, ports)
    this.#writer = new StoreWriter({
      ...ports,
      holder: this.#holder,
      lockFor: (epoch) => this.#lockFor(epoch),
      onWritten: () => this.#written(),
    })
    this.#opened = this.#open().catch((error: unknown) => this.#failed(error))
    this.#turn = this.#opened
  }

  get isStored(): boolean {
    return this.#writer.isStored
  }

  prepare(): Promise<boolean> {
    this.#preparing ??= this.#prepare().finally(() => {
      this.#preparing = undefined
    })
    return this.#preparing
  }

  typed(update: Uint8Array, sinceMs: number, place: number): void {
    if (this.#isOff) return
    this.#writer.typed({ update, sinceMs }, place)
  }

  reissued(update: Uint8Array | undefined, sinceMs: number, place: number): void {
    if (this.#isOff) return
    this.#writer.reissued(update === undefined ? undefined : { update, sinceMs }, place)
  }

  settled(through: number): void {
    this.#writer.settled(through)
  }

  entered(epoch: Epoch): void {
    this.#hint = epoch.keyHint
    this.#inTurn(() => this.#enter(epoch))
  }

  began(): void {
    this.#writer.began()
  }

  logged(update: Uint8Array, sequence: number): void {
    if (!this.#isOff) this.#writer.logged(update, sequence)
  }

  progress(): void {
    this.#writer.progress()
  }

  refused(keyHint: string): void {
    this.#inTurn(() => this.#revoke(keyHint))
  }

  hidden(): void {
    this.#writer.hurry()
    this.#holder.leave()
  }

  shown(): void {
    this.#writer.renewSealer()
    if (this.#writer.isOpen) this.#holder.request(this.#name)
  }

  async wipe(): Promise<void> {
    this.#isOff = true
    await this.#turn
    await this.#close()
    const database = this.#database
    await this.#migration?.wipe()
    if (database === undefined) return
    // First the content, in one transaction: that is gone even if another tab does not let go of the store.
    await transact(database, ALL_STORES, 'readwrite', (store) => {
      for (const name of ALL_STORES) store(name).clear()
    })
    database.close()
    await deleteDatabase(this.#name)
  }

  destroy(): Promise<void> {
    this.#destroyed ??= this.#letGo()
    return this.#destroyed
  }

  async #letGo(): Promise<void> {
    this.#isOff = true
    this.#writer.hurry()
    await this.#turn
    await this.#close()
    this.#database?.close()
  }

  // --- opening ---

  async #open(): Promise<void> {
    const { askToPersist, offlineUnlock } = this.#options
    this.#name = await this.#digestName()
    const database = await openDatabase(this.#name, () => this.#gone())
    this.#database = database
    if (askToPersist) globalThis.navigator?.storage?.persist?.().catch(() => {})
    const { result } = await transact(database, ['about'], 'readonly', (store) => store('about').get('lock'))
    if (result !== undefined) this.#lock = parseLock(result)
    if (result !== undefined && this.#lock === undefined) throw new TypeError('the lock is not of this version')
    await this.#migration?.read()
    const { device } = this.#lock ?? {}
    if (this.#lock !== undefined && device !== undefined && offlineUnlock) {
      const key = await openDeviceLock(device)
      if (key !== undefined) await this.#unlock(this.#lock, key, true)
    } else if (this.#lock !== undefined && device !== undefined) {
      await this.#putLock({ ...this.#lock, device: undefined })
    }
    if (this.#lock === undefined) this.#resolveLoaded()
  }

  /** Which document is open on this device is not to be read from the names of its databases. */
  async #digestName(): Promise<string> {
    const { relayUrl, room, documentId } = this.#ports
    const named = JSON.stringify([relayUrl, room, documentId, this.#options.account])
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(named))
    return `y-sealed ${hex(new Uint8Array(digest, 0, 16))}`
  }

  async #prepare(): Promise<boolean> {
    await this.#opened
    const lock = this.#lock
    if (this.#isPrepared || this.#isOff || lock === undefined) return true
    const adopted = await this.#ports.adopt(lock.epoch.record)
    if (adopted === undefined) return false
    this.#isPrepared = true
    if (adopted === 'locked') this.#leaveBeside()
    else await this.#goOn(lock, adopted).catch((error: unknown) => this.#failed(error))
    this.#loaded = undefined
    this.#resolveLoaded()
    return true
  }

  /** The reader goes on where this device stood. */
  async #goOn(lock: StoreLock, adopted: Adopted): Promise<void> {
    const { keys } = adopted.epoch
    if (this.#unlocked === undefined) {
      const key = await openStoreKey(lock, keys)
      if (key === undefined) {
        keys.forget()
        throw new TypeError('the key does not open')
      }
      await this.#unlock(lock, key, false)
    }
    const { pins, update } = this.#loaded ?? {}
    const isOfLock = pins?.line.at(-1)?.hash
    if (pins !== undefined && isOfLock !== undefined && equalBytes(isOfLock, lock.epoch.hash)) {
      const { cursor, hash, line } = pins
      if (this.#ports.resume({ adopted, before: line.slice(0, -1), cursor, hash, update })) {
        if (update !== undefined) this.#writer.restored(pins)
        return
      }
    }
    keys.forget()
    this.#leaveBeside()
  }

  /** What was shown of the copy may be in another history than the one that is read now: only what this user wrote is carried over. */
  #leaveBeside(): void {
    if (this.#loaded?.update !== undefined) this.#ports.disown()
  }

  /** `isShown`: before anybody has asked the endpoint or the relay. */
  async #unlock(lock: StoreLock, key: Uint8Array, isShown: boolean): Promise<void> {
    const { documentId, doc, origin, restoreEdit, problems } = this.#ports
    const database = this.#database
    if (database === undefined || this.#isOff) return
    const keys = await deriveStoreKeys(key, lock.nonce, documentId)
    const loaded = await loadStore(database, keys)
    this.#loaded = loaded
    if (loaded.pins !== undefined) this.#writer.cache.found()
    if (loaded.isCacheDamaged || loaded.damagedEdits.length > 0) {
      const { damagedEdits, isCacheDamaged } = loaded
      await setAside(database, { outbox: damagedEdits, cache: isCacheDamaged, pins: isCacheDamaged && !loaded.pins })
      const what = [isCacheDamaged ? 'the document' : '', damagedEdits.length > 0 ? `${damagedEdits.length} edits` : '']
      const named = what.filter((each) => each !== '').join(' and ')
      problems.raise('storage', `the copy of ${named} on this device is damaged, and was set aside`, 'indexeddb')
    }
    const { update } = loaded
    if (isShown && update !== undefined) rethrowLater(() => Y.applyUpdate(doc, update, origin))
    for (const { key: row, edit } of loaded.edits) {
      const place = restoreEdit(edit.update, edit.sinceMs)
      this.#writer.outbox.restore(edit, place, row)
    }
    this.#begin(database, { key, keys, nonce: lock.nonce })
    // Asked for since the store was made.
    if (this.#options.offlineUnlock && lock.device === undefined)
      await this.#putLock({ ...lock, device: await lockToDevice(key) })
    if (isShown) this.#resolveLoaded()
  }

  #begin(database: IDBDatabase, unlocked: Unlocked): void {
    this.#unlocked = unlocked
    this.#writer.open(database, unlocked.keys)
    this.#holder.request(this.#name)
  }

  // --- what the session tells ---

  async #enter(epoch: Epoch): Promise<void> {
    this.#writer.granted()
    if (this.#lock === undefined) await this.#create(epoch)
    else if (this.#unlocked === undefined) await this.#openBeside(this.#lock, epoch)
    else if (!isLockOf(this.#lock, epoch)) {
      this.#nextLock = await this.#relock(epoch)
      await this.#relockBare(this.#nextLock)
    }
    this.#writer.progress()
  }

  async #create(epoch: Epoch): Promise<void> {
    const database = this.#database
    if (database === undefined) return
    const { key, nonce } = drawStoreKey()
    const device = this.#options.offlineUnlock ? await lockToDevice(key) : undefined
    const lock = { epoch, nonce, sealed: await sealStoreKey(key, epoch), device }
    const { result } = await transact(database, ['about'], 'readwrite', (store) => {
      const found = store('about').get('lock')
      found.onsuccess = () => {
        if (found.result === undefined) store('about').put(encodeLock(lock), 'lock')
      }
      return found
    })
    if (result === undefined) {
      this.#lock = lock
      this.#begin(database, { key, nonce, keys: await deriveStoreKeys(key, nonce, this.#ports.documentId) })
      return
    }
    // Another tab was first.
    this.#lock = parseLock(result)
    if (this.#lock === undefined) throw new TypeError('the lock is not of this version')
    await this.#openBeside(this.#lock, epoch)
  }

  /** The session has begun without what this device keeps: what this user wrote is brought in, the rest comes from the relay. */
  async #openBeside(lock: StoreLock, epoch: Epoch): Promise<void> {
    const { adoptOnce, problems } = this.#ports
    const database = this.#database
    if (database === undefined) return
    const isOfEpoch = isLockOf(lock, epoch)
    const adopted = isOfEpoch ? { epoch } : await adoptOnce(lock.epoch.record).catch(() => undefined)
    const key = adopted && (await openStoreKey(lock, adopted.epoch.keys))
    if (!isOfEpoch) adopted?.epoch.keys.forget()
    if (key !== undefined) {
      await this.#unlock(lock, key, false)
      this.#loaded = undefined
      return
    }
    const { result } = await transact(database, ['outbox'], 'readonly', (store) => store('outbox').count())
    if (result > 0) {
      const message = 'edits that were kept on this device are sealed under a key that cannot be had any more'
      problems.raise('storage', `${message}: they stay as they are, and nothing is kept until wipeLocal()`, 'indexeddb')
      return
    }
    await transact(database, ['about', 'cache'], 'readwrite', (store) => {
      store('about').clear()
      store('cache').clear()
    })
    this.#lock = undefined
    await this.#create(epoch)
  }

  /** This user is shut out, says the endpoint, whom they ask for keys: the copy goes. What they wrote does not. */
  async #revoke(keyHint: string): Promise<void> {
    const database = this.#database
    const { pinned } = this.#writer.cache
    const isNext = this.#nextLock !== undefined && pinned !== undefined && equalBytes(pinned, this.#nextLock.epoch.hash)
    const lock = isNext ? this.#nextLock : this.#lock
    if (database === undefined || lock === undefined) return
    if (keyHint !== lock.epoch.parsed.keyHint && keyHint !== this.#hint) return
    this.#writer.revoked()
    const bare = { ...lock, device: undefined }
    this.#lock = bare
    this.#nextLock = undefined
    await transact(database, ['about', 'cache'], 'readwrite', (store) => {
      store('cache').clear()
      store('about').delete('pins')
      store('about').put(encodeLock(bare), 'lock')
    })
  }

  // --- the lock ---

  /** The store's key, sealed for another epoch. */
  async #relock(epoch: Epoch): Promise<StoreLock> {
    if (this.#unlocked === undefined || this.#lock === undefined) throw new TypeError('there is no key to seal')
    const { key, nonce } = this.#unlocked
    const device = this.#lock.device ?? (this.#options.offlineUnlock ? await lockToDevice(key) : undefined)
    return { epoch, nonce, sealed: await sealStoreKey(key, epoch), device }
  }

  /** What `about` is to say when the log of this epoch is kept; undefined: that is still to be sealed. */
  #lockFor(epoch: Epoch): object | undefined {
    const lock = [this.#lock, this.#nextLock].find((each) => each !== undefined && isLockOf(each, epoch))
    return lock && encodeLock(lock)
  }

  /** Where the log is kept, its place and the lock change in one transaction, whichever tab keeps it. */
  async #relockBare(lock: StoreLock): Promise<void> {
    const database = this.#database
    if (database === undefined || this.#writer.cache.pinned !== undefined) return
    const pins = await transact(database, ['about'], 'readwrite', (store) => {
      const found = store('about').get('pins')
      found.onsuccess = () => {
        if (found.result === undefined) store('about').put(encodeLock(lock), 'lock')
      }
      return found
    })
    if (pins.result === undefined) this.#lock = lock
  }

  async #putLock(lock: StoreLock): Promise<void> {
    const database = this.#database
    if (database === undefined) return
    this.#lock = lock
    await transact(database, ['about'], 'readwrite', (store) => void store('about').put(encodeLock(lock), 'lock'))
  }

  // --- ends ---

  #written(): void {
    if (this.#writer.isStored) this.#ports.onStored()
    const database = this.#database
    const { keys } = this.#unlocked ?? {}
    if (this.#migration?.isPending !== true || database === undefined || keys === undefined) return
    this.#inTurn(async () => {
      if (!this.#writer.outbox.isDirty) await this.#migration?.stored(() => loadStore(database, keys))
    })
  }

  #inTurn(act: () => Promise<void>): void {
    this.#turn = this.#turn.then(async () => {
      if (!this.#isOff) await act().catch((error: unknown) => this.#failed(error))
    })
  }

  /** Another tab has deleted the store, or the browser has. */
  #gone(): void {
    if (this.#isOff) return
    this.#isOff = true
    this.#ports.problems.raise('storage', 'the copy on this device was deleted', 'indexeddb')
    this.#close()
  }

  /** Nothing is kept by this page. What is there stays as it is. */
  #failed(error: unknown): void {
    if (!this.#isOff) {
      this.#ports.problems.raise('storage', `this device keeps no copy (${errorName(error)})`, 'indexeddb')
    }
    this.#isOff = true
    this.#resolveLoaded()
    this.#close()
  }

  async #close(): Promise<void> {
    await this.#writer.close()
    this.#holder.leave()
    this.#unlocked?.key.fill(0)
    this.#unlocked?.keys.forget()
    this.#unlocked = undefined
    this.#resolveLoaded()
  }
}
