import { HASH_BYTES } from '@y-sealed/protocol'
import { SALT_BYTES } from '@y-sealed/protocol/header'
import type { NewRun } from './log-store.ts'

/** A run as the journal holds it: what has to be done again if the process ends before its document's tables have it. */
export interface JournaledRun extends Omit<NewRun, 'leaves'>, RunPlace {}

export interface RunPlace {
  readonly document: number
  readonly session: number
  readonly subject: string
  /** Sequence of its first entry. */
  readonly first: number
  /** H after its last entry. */
  readonly hash: Uint8Array
}

// Three numbers beyond 2^32, five below it, a salt and a hash; the body follows, and the subject.
const NUMBERS_BYTES = 3 * 8 + 5 * 4
const HEAD_BYTES = NUMBERS_BYTES + SALT_BYTES + HASH_BYTES

// The appends of some turns of a few writers; doubled where more come at once, and kept.
const FIRST_ROW_BYTES = 16 * 1024

/** Collects the runs of one commit, one behind the other. */
export class JournalRow {
  #bytes = Buffer.alloc(FIRST_ROW_BYTES)
  #at = 0

  get isEmpty(): boolean {
    return this.#at === 0
  }

  add({ epochIndex, firstCounter, count, salt, body }: Omit<NewRun, 'leaves'>, place: RunPlace): void {
    const subjectBytes = Buffer.byteLength(place.subject)
    this.#reserve(HEAD_BYTES + body.length + subjectBytes)
    const bytes = this.#bytes
    let at = this.#at
    at = bytes.writeDoubleLE(place.document, at)
    at = bytes.writeDoubleLE(place.session, at)
    at = bytes.writeDoubleLE(place.first, at)
    at = bytes.writeUInt32LE(epochIndex, at)
    at = bytes.writeUInt32LE(firstCounter, at)
    at = bytes.writeUInt32LE(count, at)
    at = bytes.writeUInt32LE(body.length, at)
    at = bytes.writeUInt32LE(subjectBytes, at)
    bytes.set(salt, at)
    bytes.set(place.hash, at + SALT_BYTES)
    bytes.set(body, at + SALT_BYTES + HASH_BYTES)
    at += SALT_BYTES + HASH_BYTES + body.length
    this.#at = at + bytes.write(place.subject, at)
  }

  /** What was added, good until something is added again. */
  take(): Uint8Array {
    const row = this.#bytes.subarray(0, this.#at)
    this.#at = 0
    return row
  }

  clear(): void {
    this.#at = 0
  }

  #reserve(more: number): void {
    const needed = this.#at + more
    if (needed <= this.#bytes.length) return
    const larger = Buffer.alloc(Math.max(needed, 2 * this.#bytes.length))
    larger.set(this.#bytes)
    this.#bytes = larger
  }
}

/** The runs of a row that a JournalRow has made. */
export function* runsOfRow(row: Uint8Array): Generator<JournaledRun> {
  const bytes = Buffer.from(row.buffer, row.byteOffset, row.byteLength)
  // The slices of this one are copies.
  const plain = new Uint8Array(row.buffer, row.byteOffset, row.byteLength)
  for (let at = 0; at < bytes.length; ) {
    const salt = at + NUMBERS_BYTES
    const body = at + HEAD_BYTES
    const subject = body + bytes.readUInt32LE(at + 36)
    const end = subject + bytes.readUInt32LE(at + 40)
    yield {
      document: bytes.readDoubleLE(at),
      session: bytes.readDoubleLE(at + 8),
      first: bytes.readDoubleLE(at + 16),
      epochIndex: bytes.readUInt32LE(at + 24),
      firstCounter: bytes.readUInt32LE(at + 28),
      count: bytes.readUInt32LE(at + 32),
      salt: plain.slice(salt, salt + SALT_BYTES),
      hash: plain.slice(salt + SALT_BYTES, body),
      body: plain.slice(body, subject),
      subject: bytes.toString('utf8', subject, end),
    }
    at = end
  }
}
