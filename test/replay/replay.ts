import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as Y from 'yjs'
import { describeFindings } from '../support/canary.ts'
import { untilEqual } from '../support/convergence.ts'
import { patiently } from '../support/events.ts'
import { startKeyProcess } from '../support/key-process.ts'
import { startRelayProcess } from '../support/relay-process.ts'
import { typeConcurrent, typeSequential } from './author.ts'
import { Company, type Member } from './company.ts'
import type { Report } from './report.ts'
import { countEdits, type Trace } from './trace.ts'

/** Plays a trace through the whole road: providers, a relay process, a key endpoint process, and a reader who comes last. */
export async function replay(name: string, trace: Trace): Promise<Report> {
  const directory = mkdtempSync(join(tmpdir(), 'y-sealed-replay-'))
  const logDirectory = join(directory, 'relay')
  const relay = await startRelayProcess(logDirectory)
  const keyServer = await startKeyProcess(join(directory, 'keys'))
  const company = new Company(relay.url, keyServer.url, `replay of ${name}`, wordsOf(trace))
  try {
    const authors: Member[] = []
    for (let agent = 0; agent < trace.agents; agent++) {
      // The desks are handed exact pieces of history, so nothing of it may be collected yet.
      authors.push(await company.join(`author ${agent}`, new Y.Doc({ gc: trace.agents === 1 })))
    }
    const [first] = authors
    if (first === undefined) throw new Error('a trace needs an author')
    await company.hideCanaryIn(first)

    const startedAtMs = performance.now()
    const desks = trace.agents === 1 ? [] : await typeConcurrent(trace, authors)
    if (trace.agents === 1) await typeSequential(trace, first)
    const seconds = secondsSince(startedAtMs)

    const joinedAtMs = performance.now()
    const reader = await company.join('fresh reader', new Y.Doc())
    const coldJoinSeconds = secondsSince(joinedAtMs)
    const everybody = [...authors, reader].map(({ doc }) => doc)
    const converged = await untilEqual(everybody).then(
      () => true,
      () => false,
    )
    const entries = await company.readLog()
    await patiently(first.provider.compact(), 'a checkpoint of the end')
    const checkpointBytes = company.newestCheckpointBytes()
    const stateBytes = Y.encodeStateAsUpdate(first.doc).length
    const texts = [...everybody.map((doc) => doc.getText('text')), ...desks.map((desk) => desk.text)]
    const hashes = texts.map((text) => sha256(text.toString()))

    company.leave()
    await Promise.all([relay.stop(), keyServer.stop()])
    const findings = [
      ...company.search.inFrames(company.capture.frames),
      ...company.search.inDirectory(logDirectory),
      ...company.search.in(relay.output, 'what the relay printed'),
      ...company.search.in(keyServer.output, 'what the key endpoint printed'),
    ]
    return {
      name,
      converged,
      authors: trace.agents,
      expectedHash: sha256(trace.endContent),
      hashes,
      edits: countEdits(trace),
      transactions: trace.transactions.length,
      entries: entries.length,
      sealedBytes: entries.reduce((sum, envelope) => sum + envelope.length, 0),
      checkpointBytes,
      stateBytes,
      seconds,
      coldJoinSeconds,
      envelopesAudited: company.audit.observed,
      repeatedNonces: company.audit.repeated,
      canaries: company.search.canaries.length,
      canariesFound: describeFindings(findings),
      problems: company.problems.map(({ code, message }) => `${code}: ${message}`),
    }
  } finally {
    company.leave()
    await Promise.all([relay.stop(), keyServer.stop()])
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Stretches of the text itself that must not be readable anywhere on the way. */
function wordsOf(trace: Trace): string[] {
  const length = 24
  const characters = [...trace.endContent]
  const starts = [0.1, 0.5, 0.9].map((share) => Math.floor(share * Math.max(0, characters.length - length)))
  return starts.map((start) => characters.slice(start, start + length).join('')).filter((words) => words.length >= 8)
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

function secondsSince(startMs: number): number {
  return (performance.now() - startMs) / 1_000
}
