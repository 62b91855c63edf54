import {
  chunkHash,
  type Entry,
  type EntryBlock,
  leafHash,
  MAX_FRAME_BYTES,
  type NewBlock,
  ProtocolError,
  type Up,
} from '@y-sealed/protocol'
import { EnvelopeKind, type Header, parseHeader } from '@y-sealed/protocol/header'
import type { NewChunk, NewRun } from '../log/log-store.ts'
import { encodeRunBody, parseRunBody } from '../log/run-body.ts'
import { Refusal } from './refusal.ts'
import type { NewEntries } from './staging.ts'

// What an `entries` message has beside its entries, generously: readers must be able to get what writers could send.
const ENTRIES_HEAD_BYTES = 64

/** The requests that bring entries, or chunks. */
export type Write = Extract<Up<NewBlock>, { envelopes: NewBlock }>

/** The kinds that are entries of the log; the others have messages of their own or never leave a client (protocol §3). */
const LOG_KINDS: ReadonlySet<EnvelopeKind> = new Set([EnvelopeKind.update, EnvelopeKind.witness])

/**
 * The runs of one message: stretches under one salt with consecutive counters. Reads public headers only; the bytes stay as
 * they came. Throws Refusal `malformed`, `out-of-order` or `limit`.
 */
export function newRuns({ bytes }: EntryBlock): NewRun[] {
  const runs: NewRun[] = []
  let first: Header | undefined
  let leaves: Uint8Array[] = []
  let [start, end] = [0, 0]
  for (const entry of parseRunBody(bytes)) {
    const header = logHeader(entry.envelope)
    if (first && !sameSealer(first, header)) {
      runs.push(newRun(first, leaves, bytes.subarray(start, end)))
      first = undefined
    }
    if (!first) {
      first = header
      leaves = []
      start = end
    } else if (header.counter !== first.counter + leaves.length) {
      throw new Refusal('out-of-order', 'counters of one salt follow each other')
    }
    leaves.push(leafHash(entry.proof, entry.envelope))
    end = entry.end
  }
  // Nearly every message is one run.
  if (first) runs.push(newRun(first, leaves, start === 0 ? bytes : bytes.subarray(start)))
  return runs
}

/** As `newRuns`, and the chunks of a checkpoint that stand among the entries. */
export function newEntries(block: EntryBlock): NewEntries {
  const chunks: NewChunk[] = []
  const others: Entry[] = []
  for (const entry of parseRunBody(block.bytes)) {
    const header = headerOf(entry.envelope)
    if (header.kind === EnvelopeKind.checkpoint) chunks.push(newChunk(header, entry))
    else others.push(entry)
  }
  if (chunks.length === 0) return { runs: newRuns(block), chunks }
  return { runs: newRuns({ count: others.length, bytes: encodeRunBody(others) }), chunks }
}

function newChunk({ epochIndex, salt, counter }: Header, { proof, envelope }: Entry): NewChunk {
  // Stored beside the log, where nothing would keep it.
  if (proof.length > 0) throw new Refusal('malformed', 'a chunk has no proof')
  return { epochIndex, salt, counter, envelope, hash: chunkHash(envelope) }
}

function newRun({ epochIndex, salt, counter }: Header, leaves: Uint8Array[], body: Uint8Array): NewRun {
  if (body.length + ENTRIES_HEAD_BYTES > MAX_FRAME_BYTES) throw new Refusal('limit', 'proofs too large')
  return { epochIndex, salt, firstCounter: counter, count: leaves.length, body, leaves }
}

function logHeader(envelope: Uint8Array): Header {
  const header = headerOf(envelope)
  if (!LOG_KINDS.has(header.kind)) throw new Refusal('malformed', `kind ${header.kind} is no entry of a log`)
  return header
}

/** Throws Refusal `malformed` where an envelope's public header cannot be parsed. */
export function headerOf(envelope: Uint8Array): Header {
  try {
    return parseHeader(envelope)
  } catch (error) {
    if (error instanceof ProtocolError) throw new Refusal('malformed', error.message)
    throw error
  }
}

function sameSealer(a: Header, b: Header): boolean {
  return a.epochIndex === b.epochIndex && Buffer.compare(a.salt, b.salt) === 0
}
