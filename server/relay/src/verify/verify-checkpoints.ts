import { checkpointHash, chunkHash, type Place, startHash } from '@y-sealed/protocol'
import { EnvelopeKind, parseHeader } from '@y-sealed/protocol/header'
import type { EpochRecord, LogContents } from '../log/log-store.ts'
import { sameHash } from '../log/record-hash.ts'
import { DamageFound } from './damage.ts'

const READ_BYTES = 1024 * 1024

/**
 * How many checkpoints of this epoch are kept: each must be whole, of the chunks that its name is the hash of, and name the H that the
 * log has at its place. Throws DamageFound.
 */
export async function checkCheckpoints(contents: LogContents, name: string, record: EpochRecord): Promise<number> {
  const places = (await contents.places(name, record.hash)) ?? []
  for (const place of places) {
    await checkChunks(contents, name, record.index, place)
    const isFirst = place.sequence === record.after
    const hash = isFirst ? startHash(record.hash) : await contents.hashAt(name, place.sequence)
    // Of entries that are gone only the last one's is kept.
    if (hash && !sameHash(hash, place.hash)) throw new DamageFound(place.sequence, 'its checkpoint names another H')
  }
  return places.length
}

async function checkChunks(contents: LogContents, name: string, epochIndex: number, place: Place): Promise<void> {
  const fail = (what: string): never => {
    throw new DamageFound(place.sequence, `its checkpoint ${what}`)
  }
  const hashes: Uint8Array[] = []
  let bytes = 0
  for (let total = 1; hashes.length < total; ) {
    const wanted = { first: hashes.length + 1, last: Number.MAX_SAFE_INTEGER, maxBytes: READ_BYTES }
    const found = (await contents.checkpoint(name, place.checkpoint, wanted)) ?? fail('lacks a chunk')
    total = found.total
    for (const chunk of found.chunks) {
      if (!isChunk(chunk, epochIndex, hashes.length + 1)) fail('has a chunk that is none')
      hashes.push(chunkHash(chunk))
      bytes += chunk.length
    }
  }
  if (!sameHash(checkpointHash(hashes), place.checkpoint)) fail('has chunks of another')
  if (bytes !== place.bytes) fail('has another size')
}

function isChunk(envelope: Uint8Array, epochIndex: number, counter: number): boolean {
  try {
    const header = parseHeader(envelope)
    return header.kind === EnvelopeKind.checkpoint && header.epochIndex === epochIndex && header.counter === counter
  } catch {
    return false
  }
}
