import { leafHash, nextHash } from '@y-sealed/protocol'
import { EnvelopeKind, parseHeader } from '@y-sealed/protocol/header'
import type { StoredRun } from '../log/log-store.ts'
import { type PlacedEntry, parseRunBody } from '../log/run-body.ts'
import { DamageFound } from './damage.ts'

/** H after the last entry of a run, computed from its bytes. Throws DamageFound where one of them is no entry of this epoch. */
export function hashAfterRun(run: StoredRun, epochIndex: number): Uint8Array {
  const entries = entriesOf(run)
  if (run.epochIndex !== epochIndex) throw new DamageFound(run.first, 'it stands in another epoch')
  if (entries.length !== run.count) throw new DamageFound(run.first, 'its run has another number of entries')
  let hash = run.hashBefore
  for (const [i, { proof, envelope }] of entries.entries()) {
    if (!isEntryOf(envelope, epochIndex)) throw new DamageFound(run.first + i, 'it is no entry of its epoch')
    hash = nextHash(hash, leafHash(proof, envelope))
  }
  return hash
}

function entriesOf(run: StoredRun): PlacedEntry[] {
  try {
    return parseRunBody(run.body)
  } catch {
    throw new DamageFound(run.first, 'its run cannot be taken apart')
  }
}

function isEntryOf(envelope: Uint8Array, epochIndex: number): boolean {
  try {
    const header = parseHeader(envelope)
    const isLogged = header.kind === EnvelopeKind.update || header.kind === EnvelopeKind.witness
    return isLogged && header.epochIndex === epochIndex
  } catch {
    return false
  }
}
