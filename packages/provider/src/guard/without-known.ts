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
 * in them, and deleting one breaks off in the middle. Cut before, the rest names what it stands behind, and no type. Throws UnusableUpdate where the ids end
 * amid some that wait in Yjs for what is brought: those Yjs would cut. Who heals a hole has all that waits behind it, or nothing of it.
 */
export function withoutKnown(update: Uint8Array, scanned: ScannedUpdate, logState: LogState): UpdateWithScan {
  const ends = new Map<number, number>()
  for (const { client, clock, length } of scanned.structs) {
    const end = logState.end(client)
    const next = clock + length
    const isAmidWaiting = clock <= end && next > end && logState.missingStructs(client, next - 1, 2).length === 0
    if (isAmidWaiting) throw new UnusableUpdate('overlap')
    if (clock < end) ends.set(client, end)
  }
  if (ends.size === 0) return { update, scanned }
  const cut = Y.diffUpdate(update, Y.encodeStateVector(ends))
  return { update: cut, scanned: scanUpdate(cut) }
}
