import * as Y from 'yjs'
import type { LogState } from '../log-state/log-state.ts'
import { type ScannedUpdate, scanUpdate, UnusableUpdate } from './scan-update.ts'

export interface UpdateWithScan {
  readonly update: Uint8Array
  readonly scanned: ScannedUpdate
}

/**
 * An update without what the log holds of its structs: the first in the log has the ids. Yjs would cut a struct of which it has the beginning, and put the
 * rest into the type that the struct names, but behind what stands under the ids before, which may be in another type: from then on the two share what is
 * in them, and deleting one breaks off in the middle. Cut before, the rest names what it stands behind, and no type. Throws UnusableUpdate where ids are
 * brought that wait in Yjs for something missing, and others beside them: there nothing can be cut, and no honest member sends that.
 */
export function withoutKnown(update: Uint8Array, scanned: ScannedUpdate, logState: LogState): UpdateWithScan {
  const ends = new Map<number, number>()
  for (const { client, clock, length } of scanned.structs) {
    const end = logState.end(client)
    if (clock + length <= end) continue
    if (clock < end) ends.set(client, end)
    const from = Math.max(clock, end)
    const missing = logState.missingStructs(client, from, clock + length - from)
    const count = missing.reduce((sum, [, each]) => sum + each, 0)
    if (count > 0 && count < clock + length - from) throw new UnusableUpdate('overlap')
  }
  if (ends.size === 0) return { update, scanned }
  const cut = Y.diffUpdate(update, Y.encodeStateVector(ends))
  return { update: cut, scanned: scanUpdate(cut) }
}
