import { chunkHash, type Entry, leafHash, MAX_FRAME_BYTES, ProtocolError } from '@y-sealed/protocol'
import { EnvelopeKind, type Header, parseHeader } from '@y-sealed/protocol/header'
import type { NewChunk, NewRun } from '../log/log-store.ts'
import { encodeRunBody } from '../log/run-body.ts'
import { Refusal } from './refusal.ts'
import type { NewEntries } from './staging.ts'

// What an `entries` message has beside its entries, generously: readers must be able to get what writers could send.
const ENTRIES_HEAD_BYTES = 64

/** The kinds that are entries of the log; the others have messages of their own or never leave a client (protocol §3). */
const LOG_KINDS: ReadonlySet<EnvelopeKind> = new Set([EnvelopeKind.update, EnvelopeKind.witness])

/**
 * The runs of one message: stretches under one salt with consecutive counters. Reads public headers only.
 * Throws Refusal `malformed`, `out-of-order` or `limit`.
 */
export function newRuns(entries: readonly Entry[]): NewRun[] {
  const runs: { header: Header; entries: Entry[] }[] = []
  for (const entry of entries) {
    const header = logHeader(entry.envelope)
    const run = runs.at(-1)
    if (!run || !sameSealer(run.header, header)) {
      runs.push({ header, entries: [entry] })
    } else if (header.counter === run.header.counter + run.entries.length) {
      run.entries.push(entry)
    } else {
      throw new Refusal('out-of-order', 'counters of one salt follow each other')
    }
  }
  return runs.map(({ header, entries }) => newRun(header, entries))
}

/** As `newRuns`, and the chunks of a checkpoint that stand among the entries. */
export function newEntries(entries: readonly Entry[]): NewEntries {
  const chunks: NewChunk[] = []
  const others: Entry[] = []
  for (const entry of entries) {
    const header = headerOf(entry.envelope)
    if (header.kind === EnvelopeKind.checkpoint) chunks.push(newChunk(header, entry))
    else others.push(entry)
  }
  return { runs: newRuns(others), chunks }
}

function newChunk({ epochIndex, salt, counter }: Header, { proof, envelope }: Entry): NewChunk {
  // Stored beside the log, where nothing would keep it.
  if (proof.length > 0) throw new Refusal('malformed', 'a chunk has no proof')
  return { epochIndex, salt, counter, envelope, hash: chunkHash(envelope) }
}

function newRun({ epochIndex, salt, counter }: Header, entries: Entry[]): NewRun {
  const body = encodeRunBody(entries)
  if (body.length + ENTRIES_HEAD_BYTES > MAX_FRAME_BYTES) throw new Refusal('limit', 'proofs too large')
  const leaves = entries.map(({ proof, envelope }) => leafHash(proof, envelope))
  return { epochIndex, salt, firstCounter: counter, count: entries.length, body, leaves }
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
