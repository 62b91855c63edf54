import type { EpochKeys } from '@y-sealed/envelope'
import * as Y from 'yjs'
import { applyUntidied } from '../log-state/apply-untidied.ts'
import { transact } from './database.ts'
import { type Edit, openRow, type Pins, parseEdit, parseLogRow, parsePins, slots } from './rows.ts'

/** What a store holds, opened. */
export interface LoadedStore {
  readonly pins: Pins | undefined
  /** The log through the pins, as one update; undefined: not all of it opens. */
  readonly update: Uint8Array | undefined
  readonly edits: ReadonlyArray<{ readonly key: number; readonly edit: Edit }>
  /** Numbers of the rows of `outbox` that do not open. */
  readonly damagedEdits: readonly number[]
  /** The pins or a row that they count do not open. */
  readonly isCacheDamaged: boolean
}

/** Reads everything in one transaction, so that it is of one moment. What does not open is named, and stays where it is. */
export async function loadStore(database: IDBDatabase, keys: EpochKeys): Promise<LoadedStore> {
  const read = await transact(database, ['about', 'cache', 'outbox'], 'readonly', (store) => ({
    pins: store('about').get('pins') as IDBRequest<unknown>,
    cache: store('cache').getAll() as IDBRequest<unknown[]>,
    outbox: store('outbox').getAll() as IDBRequest<unknown[]>,
    outboxKeys: store('outbox').getAllKeys(),
  }))
  const pins = await openPins(keys, read.pins.result)
  const update = pins === undefined ? undefined : await openCache(keys, pins, read.cache.result)
  const edits: Array<{ key: number; edit: Edit }> = []
  const damagedEdits: number[] = []
  for (const [at, row] of read.outbox.result.entries()) {
    const key = read.outboxKeys.result[at]
    if (typeof key !== 'number') continue
    const body = await openRow(keys, slots.outbox, row)
    const edit = body === undefined ? undefined : parseEdit(body)
    if (edit === undefined) damagedEdits.push(key)
    else edits.push({ key, edit })
  }
  const isCacheDamaged = read.pins.result !== undefined && update === undefined
  return { pins, update, edits, damagedEdits, isCacheDamaged }
}

/** Undefined: there are none, or they do not open. */
export async function openPins(keys: EpochKeys, value: unknown): Promise<Pins | undefined> {
  if (typeof value !== 'object' || value === null) return undefined
  const { generation, sealed } = value as Record<string, unknown>
  if (typeof generation !== 'string') return undefined
  const body = await openRow(keys, slots.pins(generation), sealed)
  return body === undefined ? undefined : parsePins(generation, body)
}

async function openCache(keys: EpochKeys, pins: Pins, rows: readonly unknown[]): Promise<Uint8Array | undefined> {
  const { generation, rowCount } = pins
  if (rows.length !== rowCount) return undefined
  const updates: Uint8Array[] = []
  for (const [at, row] of rows.entries()) {
    const body = await openRow(keys, slots.cache(generation, at), row)
    const logged = body === undefined ? undefined : parseLogRow(body)
    if (logged === undefined) return undefined
    updates.push(...logged)
  }
  return merged(updates)
}

/** `Y.mergeUpdates` keeps what a document would have collected, and is slow for many. */
function merged(updates: readonly Uint8Array[]): Uint8Array | undefined {
  const [only] = updates
  if (updates.length === 1) return only
  const scratch = new Y.Doc()
  try {
    applyUntidied(scratch, () => {
      for (const update of updates) Y.applyUpdate(scratch, update)
    })
    return Y.encodeStateAsUpdate(scratch)
  } catch {
    // It was taken from the log once, or another hand has sealed it: either way there is nothing here to go on from.
    return undefined
  } finally {
    scratch.destroy()
  }
}
