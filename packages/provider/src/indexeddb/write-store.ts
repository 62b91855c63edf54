import type { CacheChange } from './cache-rows.ts'
import { transact } from './database.ts'
import { keysOf, type OutboxChange } from './outbox-rows.ts'

/** What is added to the log that is kept, sealed. */
export interface SealedLogRow extends Pick<CacheChange, 'how' | 'generation' | 'at'> {
  readonly row: Uint8Array
  readonly pins: Uint8Array
  /** Whose key opens it. */
  readonly lock: object
}

export interface StoreChange {
  readonly outbox: OutboxChange
  /** What `outbox` adds, sealed. */
  readonly rows: readonly Uint8Array[]
  /** Undefined: the log that is kept stays as it is. */
  readonly log: SealedLogRow | undefined
  /** The pins are to be told. */
  readonly asks: boolean
}

export interface Written {
  /** Of the rows. */
  readonly keys: readonly number[]
  /** As they were found, if they were asked for. */
  readonly pins: unknown
  /** Another tab keeps the log: nothing was added to it, and what is settled has not gone. */
  readonly isOvertaken: boolean
}

/** One transaction: what this user wrote, and the log that makes some of it superfluous. */
export async function writeStore(database: IDBDatabase, { outbox, rows, log, asks }: StoreChange): Promise<Written> {
  let isOvertaken = false
  const { pins, added } = await transact(database, ['about', 'cache', 'outbox'], 'readwrite', (store) => {
    const dropSettled = (): void => {
      for (const key of keysOf([...outbox.settled])) store('outbox').delete(key)
    }
    const pins: IDBRequest<unknown> | undefined = asks || log ? store('about').get('pins') : undefined
    if (log === undefined) dropSettled()
    else {
      const { how, generation, at, lock } = log
      const beyond = store('cache').getKey(IDBKeyRange.lowerBound(at))
      beyond.onsuccess = () => {
        if (how === 'first') isOvertaken = pins?.result !== undefined
        // Another tab may have gone on from where this one had begun, and have let go of it since.
        else if (how === 'next') isOvertaken = generationOf(pins?.result) !== generation || beyond.result !== undefined
        if (isOvertaken) return
        if (how !== 'next') store('cache').clear()
        store('cache').put(log.row, at)
        store('about').put({ generation, sealed: log.pins }, 'pins')
        // Whose key opens it and where it stands never differ.
        store('about').put(lock, 'lock')
        dropSettled()
      }
    }
    for (const key of outbox.drop) store('outbox').delete(key)
    return { pins, added: rows.map((row) => store('outbox').add(row)) }
  })
  return { keys: added.map(({ result }) => Number(result)), pins: pins?.result, isOvertaken }
}

function generationOf(pins: unknown): unknown {
  return typeof pins === 'object' && pins !== null ? Reflect.get(pins, 'generation') : undefined
}
