import { EnvelopeError, EnvelopeKind, type EpochKeys, openEnvelope, type Sealer } from '@y-sealed/envelope'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { type ChainedEpoch, readRecord } from '../epoch/chained-epoch.ts'
import { scanUpdate } from '../guard/scan-update.ts'
import { isBytes } from './store-lock.ts'

const HASH_BYTES = 32
/** In browsers noble is quicker up to here; beyond, WebCrypto does it beside the page's thread. */
const SYNC_SEAL_BYTES = 4 * 1024

/** Where this device stood: what the relay has to show again, or it is a rollback. */
export interface Pins {
  /** Names the rows of `cache` that belong to these pins. */
  readonly generation: string
  readonly rowCount: number
  readonly cursor: number
  /** H there. */
  readonly hash: Uint8Array
  /** Every epoch that is held good, the present one last. */
  readonly line: readonly ChainedEpoch[]
}

/** An edit that nobody has acked, and when the oldest of it was made: unix ms. */
export interface Edit {
  readonly update: Uint8Array
  readonly sinceMs: number
}

/** Each row is bound to its place, so that none can be put where another was. */
export const slots = {
  pins: (generation: string) => `pins ${generation}`,
  cache: (generation: string, at: number) => `cache ${generation} ${at}`,
  outbox: 'outbox',
}

export function encodePins({ rowCount, cursor, hash, line }: Pins): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, rowCount)
    encoding.writeVarUint(encoder, cursor)
    encoding.writeUint8Array(encoder, hash)
    encoding.writeVarUint(encoder, line.length)
    for (const { record } of line) encoding.writeVarUint8Array(encoder, record)
  })
}

export function parsePins(generation: string, body: Uint8Array): Pins | undefined {
  return parsing(body, (decoder) => {
    const rowCount = readUint(decoder)
    const cursor = readUint(decoder)
    const hash = decoding.readUint8Array(decoder, HASH_BYTES).slice()
    const count = readUint(decoder)
    const line: ChainedEpoch[] = []
    // Each takes bytes: a count beyond them ends in an exception, not in memory.
    for (let i = 0; i < count; i++) line.push(readRecord(decoding.readVarUint8Array(decoder).slice()))
    return line.length === 0 ? undefined : { generation, rowCount, cursor, hash, line }
  })
}

/** Updates of the log, in its order. */
export function encodeLogRow(updates: readonly Uint8Array[]): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, updates.length)
    for (const update of updates) encoding.writeVarUint8Array(encoder, update)
  })
}

export function parseLogRow(body: Uint8Array): Uint8Array[] | undefined {
  return parsing(body, (decoder) => {
    const updates: Uint8Array[] = []
    for (let left = readUint(decoder); left > 0; left--) {
      const update = decoding.readVarUint8Array(decoder)
      scanUpdate(update)
      updates.push(update)
    }
    return updates
  })
}

export function encodeEdit({ update, sinceMs }: Edit): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, Math.max(0, Math.floor(sinceMs)))
    encoding.writeUint8Array(encoder, update)
  })
}

export function parseEdit(body: Uint8Array): Edit | undefined {
  return parsing(body, (decoder) => {
    const sinceMs = readUint(decoder)
    const update = decoding.readTailAsUint8Array(decoder)
    scanUpdate(update)
    return { update, sinceMs }
  })
}

/** lib0 lets one byte more than a safe integer has through. */
function readUint(decoder: decoding.Decoder): number {
  const value = decoding.readVarUint(decoder)
  if (!Number.isSafeInteger(value)) throw new RangeError('a number beyond 2^53')
  return value
}

export async function sealRow(sealer: Sealer, slot: string, body: Uint8Array): Promise<Uint8Array> {
  const envelopes =
    body.length <= SYNC_SEAL_BYTES
      ? sealer.sealNow(EnvelopeKind.local, body, { slot })
      : await sealer.seal(EnvelopeKind.local, body, { slot })
  const [envelope] = envelopes
  if (envelope === undefined) throw new Error('kind 5 is one envelope')
  return envelope
}

/** Undefined: not a row that was sealed for this place. */
export async function openRow(keys: EpochKeys, slot: string, row: unknown): Promise<Uint8Array | undefined> {
  if (!isBytes(row)) return undefined
  try {
    const { body } = await openEnvelope(keys, row, { slot })
    return body
  } catch (error) {
    if (error instanceof EnvelopeError) return undefined
    throw error
  }
}

/** Undefined for what is not exactly that: it has a right tag, so it is another version's, or ours and wrong. */
function parsing<Parsed>(body: Uint8Array, read: (decoder: decoding.Decoder) => Parsed): Parsed | undefined {
  const decoder = decoding.createDecoder(body)
  try {
    const parsed = read(decoder)
    return decoding.hasContent(decoder) ? undefined : parsed
  } catch {
    // lib0, the record's parser and the scan of updates each have an error of their own for bytes that do not fit.
    return undefined
  }
}
