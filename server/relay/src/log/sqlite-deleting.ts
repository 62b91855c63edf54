import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import { roomKey } from './room-key.ts'
import { STEP_RUNS, STEP_SALTS } from './sweep-step.ts'

// No name of a room begins with a byte that UTF-8 does not have.
const TOMBSTONE = 0xff

/**
 * What is left of a deleted document: a row whose name is a hash of the room's. It tells that the document was deleted, and
 * must for ever: a member who comes back after a year would otherwise open it anew, with all that was in it.
 */
export type DeletedRows = ReturnType<typeof createDeletedRows>

export function createDeletedRows(database: DatabaseSyncInstance) {
  const idOf = database.prepare('SELECT id FROM documents WHERE room = ?')
  const insert = database.prepare("INSERT INTO documents (room, sequence, hash, head_record) VALUES (?, 0, x'', -1)")
  const bury = database.prepare(
    `UPDATE documents SET room = ?, sequence = 0, hash = x'', head_record = -1, lease_session = 0, pause_session = 0,
       sole_subject = NULL, tenant = NULL WHERE id = ?`,
  )
  const leaveTenant = database.prepare(
    `UPDATE tenants SET bytes = tenants.bytes - documents.bytes FROM documents
       WHERE documents.id = ? AND tenants.name = documents.tenant`,
  )
  // What was about to go goes now; a checkpoint that is half gone is found by nothing else than its line here.
  const hurry = database.prepare(
    "UPDATE replaced SET kind = 'draft', at = 0 WHERE document = ? AND checkpoint <> 0 AND kind <> 'document'",
  )
  const dropOthers = database.prepare('DELETE FROM replaced WHERE document = ? AND checkpoint = 0')
  const addCheckpoints = database.prepare(
    `INSERT INTO replaced (document, epoch_index, kind, checkpoint, through, at)
       SELECT document, epoch_index, 'draft', id, 0, 0 FROM checkpoints WHERE document = ?`,
  )
  const addDocument = database.prepare(
    "INSERT INTO replaced (document, epoch_index, kind, checkpoint, through, at) VALUES (?, 0, 'document', 0, 0, 0)",
  )
  const deleteRuns = database.prepare(
    `DELETE FROM runs WHERE document = :document AND first_sequence IN
       (SELECT first_sequence FROM runs WHERE document = :document ORDER BY first_sequence LIMIT :max)`,
  )
  const deleteSalts = database.prepare(
    `DELETE FROM salts WHERE document = :document AND salt IN
       (SELECT salt FROM salts WHERE document = :document LIMIT :max)`,
  )
  const deleteRecords = database.prepare('DELETE FROM records WHERE document = ?')

  const rowOf = (room: Uint8Array): number | undefined => {
    const row: { id: number } | undefined = idOf.get(room)
    return row?.id
  }

  return {
    has(room: string): boolean {
      return rowOf(tombstoneOf(room)) !== undefined
    },
    /** The room has no document from here on; what it had goes by and by. False: it was deleted before. */
    bury(room: string): boolean {
      const tombstone = tombstoneOf(room)
      if (rowOf(tombstone) !== undefined) return false
      const id = rowOf(Buffer.from(room))
      if (id === undefined) {
        insert.run(tombstone)
        return true
      }
      leaveTenant.run(id)
      bury.run(tombstone, id)
      hurry.run(id)
      dropOthers.run(id)
      addCheckpoints.run(id)
      addDocument.run(id)
      return true
    },
    /** Some of a deleted document; whether that was the last. */
    purgeStep(document: number): boolean {
      if (deleteRuns.run({ document, max: STEP_RUNS }).changes === STEP_RUNS) return false
      if (deleteSalts.run({ document, max: STEP_SALTS }).changes === STEP_SALTS) return false
      deleteRecords.run(document)
      return true
    },
  }
}

function tombstoneOf(room: string): Uint8Array {
  return Buffer.concat([Uint8Array.of(TOMBSTONE), roomKey(room)])
}
