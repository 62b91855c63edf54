import { ProtocolError } from './errors.ts'
import { readVarint, recordPrefix } from './header.ts'
import { HASH_BYTES } from './log-hash.ts'

/** What an epoch record (protocol §4) says of the epoch before it; public, and read by who checks a store, never by one who serves it. */
export interface RecordLinks {
  /** Hash of the record before; zeros: there is none. */
  prevRecord: Uint8Array
  /** The last sequence that is carried over, and H there. */
  prevSequence: number
  prevHash: Uint8Array
  prevCheckpoint: Uint8Array
  /** The checkpoint with which the epoch begins; zeros: it begins empty. */
  checkpoint: Uint8Array
}

const NONCE_BYTES = 16

/** Reads the links of a record. Throws ProtocolError for what is no record. */
export function recordLinks(record: Uint8Array): RecordLinks {
  let at = readVarint(record, recordPrefix(record).bytes).end
  const take = (bytes: number): Uint8Array => {
    const end = at + bytes
    if (end > record.length) throw new ProtocolError('malformed', 'epoch record ends too early')
    const taken = record.slice(at, end)
    at = end
    return taken
  }
  const skipPart = () => {
    const [high = 0, low = 0] = take(2)
    take(high * 256 + low)
  }
  // The hint, the nonce, the extension, the epoch's id.
  skipPart()
  take(NONCE_BYTES)
  skipPart()
  take(HASH_BYTES)
  const prevRecord = take(HASH_BYTES)
  const { value: prevSequence, end } = readVarint(record, at)
  at = end
  const [prevHash, prevCheckpoint, checkpoint] = [take(HASH_BYTES), take(HASH_BYTES), take(HASH_BYTES)]
  // Two tags, and nothing behind them.
  take(2 * HASH_BYTES)
  if (at !== record.length) throw new ProtocolError('malformed', 'bytes behind an epoch record')
  return { prevRecord, prevSequence, prevHash, prevCheckpoint, checkpoint }
}
