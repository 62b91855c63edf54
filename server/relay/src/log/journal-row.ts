import { HASH_BYTES } from '@y-sealed/protocol'
import { SALT_BYTES } from '@y-sealed/protocol/header'
import type { NewRun } from './log-store.ts'

/** A run as the journal holds it: what has to be done again if the process ends before its document's tables have it. */
export interface JournaledRun extends Omit<NewRun, 'leaves'>, RunPlace {}

export interface RunPlace {
  readonly document: number
  readonly session: number
  /** Sequence of its first entry. */
  readonly first: number
  /** H after its last entry. */
  readonly hash: Uint8Array
}

// Three numbers beyond 2^32, four below it, a salt and a hash; the body follows.
const HEAD_BYTES = 3 * 8 + 4 * 4 + SALT_BYTES + HASH_BYTES

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
    this.#reserve(HEAD_BYTES + body.length)
    const bytes = this.#bytes
    let at = this.#at
    at = bytes.writeDoubleLE(place.document, at)
    at = bytes.writeDoubleLE(place.session, at)
    at = bytes.writeDoubleLE(place.first, at)
    at = bytes.writeUInt32LE(epochIndex, at)
    at = bytes.writeUInt32LE(firstCounter, at)
    at = bytes.writeUInt32LE(count, at)
    at = bytes.writeUInt32LE(body.length, at)
    bytes.set(salt, at)
    bytes.set(place.hash, at + SALT_BYTES)
    bytes.set(body, this.#at + HEAD_BYTES)
    this.#at += HEAD_BYTES + body.length
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
  for (let at = 0; at < bytes.length; ) {
    const numbersEnd = at + 3 * 8 + 4 * 4
    const body = at + HEAD_BYTES
    const bodyBytes = bytes.readUInt32LE(numbersEnd - 4)
    yield {
      document: bytes.readDoubleLE(at),
      session: bytes.readDoubleLE(at + 8),
      first: bytes.readDoubleLE(at + 16),
      epochIndex: bytes.readUInt32LE(at + 24),
      firstCounter: bytes.readUInt32LE(at + 28),
      count: bytes.readUInt32LE(at + 32),
      salt: row.slice(numbersEnd, numbersEnd + SALT_BYTES),
      hash: row.slice(numbersEnd + SALT_BYTES, body),
      body: row.slice(body, body + bodyBytes),
    }
    at = body + bodyBytes
  }
}
