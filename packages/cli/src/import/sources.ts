/// <reference path="./y-leveldb.d.ts" />
import { existsSync } from 'node:fs'
import { DatabaseSync } from '@photostructure/sqlite'
import * as Y from 'yjs'
import { EXIT, Failure } from '../failure.ts'

/** A document of another server, as one Yjs V1 update. Each throws Failure where there is none, or it is not what it should be. */

/** One update, as `Y.encodeStateAsUpdate` makes it. */
export function fromUpdate(bytes: Uint8Array): Uint8Array {
  return checked(bytes, 'the update')
}

/** y-websocket's `YPERSISTENCE` folder. The server must not be running: LevelDB lets one process in. */
export async function fromLevelDb(folder: string, name: string): Promise<Uint8Array> {
  if (!existsSync(folder)) throw unreadable(folder, 'there is no such folder')
  const { LeveldbPersistence } = await loadYLeveldb()
  const stored = new LeveldbPersistence(folder)
  try {
    if (!(await stored.getAllDocNames()).includes(name)) throw noSuchDocument(folder)
    return checked(await stored.getDiff(name, Y.encodeStateVector(new Y.Doc())), folder)
  } catch (error) {
    throw error instanceof Failure ? error : unreadable(folder, 'it is no such database, or a server has it open')
  } finally {
    await stored.destroy().catch(() => {})
  }
}

/** Hocuspocus's SQLite extension: a table `documents` with `name` and `data`. Read beside the running server. */
export function fromHocuspocus(path: string, name: string): Uint8Array {
  if (!existsSync(path)) throw unreadable(path, 'there is no such file')
  let row: Record<string, unknown> | undefined
  try {
    const database = new DatabaseSync(path, { readOnly: true })
    try {
      row = database.prepare('SELECT data FROM documents WHERE name = ?').get(name)
    } finally {
      database.close()
    }
  } catch {
    throw unreadable(path, 'it is no database of Hocuspocus')
  }
  if (row === undefined) throw noSuchDocument(path)
  if (!(row.data instanceof Uint8Array)) throw unreadable(path, 'its data is not bytes')
  return checked(row.data, path)
}

/** It comes with y-websocket's server, and with nothing of ours. */
async function loadYLeveldb() {
  try {
    return await import('y-leveldb')
  } catch {
    throw new Failure('unsupported', 'y-leveldb is not installed: npm install y-leveldb, beside y-sealed', EXIT.usage)
  }
}

function checked(update: Uint8Array, where: string): Uint8Array {
  try {
    Y.applyUpdate(new Y.Doc(), update)
  } catch {
    // Yjs's own error may quote what it read.
    throw unreadable(where, 'it is not one Yjs V1 update')
  }
  return update
}

const noSuchDocument = (where: string) =>
  new Failure('no-document', `${where} has no document of this name`, EXIT.found)

const unreadable = (where: string, why: string) => new Failure('usage', `${where}: ${why}`, EXIT.usage)
