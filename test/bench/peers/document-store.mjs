import { DatabaseSync } from '@photostructure/sqlite'

/**
 * Whole documents by name, as durable as y-sealed's log: WAL and synchronous=FULL.
 * @param {string} path
 */
export function openDocumentStore(path) {
  const database = new DatabaseSync(path)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  database.exec('CREATE TABLE IF NOT EXISTS documents (name TEXT PRIMARY KEY, state BLOB NOT NULL)')
  const select = database.prepare('SELECT state FROM documents WHERE name = ?')
  const upsert = database.prepare('INSERT OR REPLACE INTO documents (name, state) VALUES (?, ?)')
  // Held on to: a statement whose database was garbage collected takes the process down.
  process.once('exit', () => database.close())
  return {
    /** @param {string} name */
    read: (name) => select.get(name)?.state ?? null,
    /**
     * @param {string} name
     * @param {Uint8Array} state
     */
    write: (name, state) => {
      upsert.run(name, state)
    },
  }
}
