import type { Place } from '@y-sealed/protocol'
import type { StoredRun } from '../log/log-store.ts'

/** What one node tells the others of a room. */
export type RoomMessage =
  /** What was appended, durable. */
  | { type: 'entries'; runs: StoredRun[]; sequence: number; hash: Uint8Array }
  /** The store has something new that is not said here: a next epoch, much at once, a deletion. */
  | { type: 'look' }
  /** A checkpoint is the newest of its epoch, or counts as named. */
  | { type: 'checkpoint'; place: Place; epochIndex: number; isNamed: boolean }
  | { type: 'awareness'; session: number; epochIndex: number; envelope: Uint8Array; to?: string }
  | { type: 'left'; session: number }
  /** Who is there? */
  | { type: 'who' }
  /** All of this node's sessions that have said something; their awareness follows. */
  | { type: 'here'; sessions: number[]; to?: string }
  | { type: 'recheck' }

/** What one node tells all others. */
export type NodeMessage =
  | { type: 'alive' }
  /** An operator has closed somebody's sessions. */
  | { type: 'shut-out' }

// The head is JSON, with its length before it; bytes stand behind it, and in it as how many they are.
const LENGTH_BYTES = 4
const BYTES = '$bytes'

export function encodeBusMessage(node: string, message: RoomMessage | NodeMessage): Uint8Array {
  const parts: Uint8Array[] = []
  // What a Buffer makes of itself as JSON is of no use here: the value as it stands in its object is.
  const head = JSON.stringify({ node, message }, function (this: Record<string, unknown>, key: string, value: unknown) {
    const own = this[key]
    if (!(own instanceof Uint8Array)) return value
    parts.push(own)
    return { [BYTES]: own.length }
  })
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(Buffer.byteLength(head))
  return Buffer.concat([length, Buffer.from(head), ...parts])
}

/** Throws for what is no message of a node: whoever reaches Redis can say anything. */
export function parseBusMessage(bytes: Uint8Array): { node: string; message: RoomMessage | NodeMessage } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const end = LENGTH_BYTES + buffer.readUInt32BE(0)
  let at = end
  const parsed: unknown = JSON.parse(buffer.toString('utf8', LENGTH_BYTES, end), (_, value: unknown) => {
    if (!isFields(value) || !(BYTES in value)) return value
    const length = value[BYTES]
    if (!isCount(length) || at + length > bytes.length) throw new RangeError('a message of a node: bytes are missing')
    at += length
    return new Uint8Array(bytes.buffer, bytes.byteOffset + at - length, length)
  })
  if (!isFields(parsed) || typeof parsed.node !== 'string' || !isMessage(parsed.message)) {
    throw new RangeError('no message of a node')
  }
  return { node: parsed.node, message: parsed.message }
}

type Fields = Record<string, unknown>

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array
const isNode = (value: unknown) => value === undefined || typeof value === 'string'

function isRun(value: unknown): boolean {
  if (!isFields(value)) return false
  const { first, count, epochIndex, hashBefore, body } = value
  return [first, count, epochIndex].every(isCount) && isBytes(hashBefore) && isBytes(body)
}

function isPlace(value: unknown): boolean {
  if (!isFields(value)) return false
  const { checkpoint, sequence, hash, bytes } = value
  return isBytes(checkpoint) && isBytes(hash) && isCount(sequence) && isCount(bytes)
}

/** What each message has beside its type. */
const FIELDS: Record<(RoomMessage | NodeMessage)['type'], (fields: Fields) => boolean> = {
  entries: ({ runs, sequence, hash }) => Array.isArray(runs) && runs.every(isRun) && isCount(sequence) && isBytes(hash),
  look: () => true,
  checkpoint: ({ place, epochIndex, isNamed }) => isPlace(place) && isCount(epochIndex) && typeof isNamed === 'boolean',
  awareness: ({ session, epochIndex, envelope, to }) =>
    isCount(session) && isCount(epochIndex) && isBytes(envelope) && isNode(to),
  left: ({ session }) => isCount(session),
  who: () => true,
  here: ({ sessions, to }) => Array.isArray(sessions) && sessions.every(isCount) && isNode(to),
  recheck: () => true,
  alive: () => true,
  'shut-out': () => true,
}

function isMessage(value: unknown): value is RoomMessage | NodeMessage {
  if (!isFields(value)) return false
  const check = Object.entries(FIELDS).find(([type]) => type === value.type)?.[1]
  return check?.(value) === true
}
