import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import * as Y from 'yjs'
import { type Author, typeConcurrent, typeSequential } from '../replay/author.ts'
import { countEdits, type Trace } from '../replay/trace.ts'
import { untilEqual } from '../support/convergence.ts'
import { startKeyProcess } from '../support/key-process.ts'
import { NonceAudit } from '../support/nonce-audit.ts'
import { startRelayProcess } from '../support/relay-process.ts'
import { epochsUnlikeTrace, recordEpochEnds } from './epoch-ends.ts'
import { join, type Member } from './member.ts'
import { reopenAll } from './reopened.ts'
import type { Report } from './report.ts'
import { contradictions, readStoredLog } from './stored-log.ts'
import { Turns } from './turns.ts'
import { isIn, onTyped, type TypedEdit } from './typed-edit.ts'

/** Types a trace through a relay process and a key endpoint process while its key is rotated, then opens every epoch again. */
export async function rotate(name: string, trace: Trace): Promise<Report> {
  const directory = mkdtempSync(joinPath(tmpdir(), 'y-sealed-rotate-'))
  const relay = await startRelayProcess(joinPath(directory, 'relay'))
  const keyServer = await startKeyProcess(joinPath(directory, 'keys'))
  const audit = new NonceAudit()
  const office = { relayUrl: relay.url, keysUrl: keyServer.url, room: `rotation of ${name}`, audit }
  const members: Member[] = []
  const enter = async (who: string, doc?: Y.Doc): Promise<Member> => {
    const member = await join(office, who, doc)
    members.push(member)
    return member
  }
  try {
    // The desks are handed exact pieces of history, so nothing of it may be collected yet.
    for (let agent = 0; agent < trace.agents; agent++)
      await enter(`author ${agent}`, new Y.Doc({ gc: trace.agents === 1 }))
    const authors = [...members]
    const colleague = await enter('colleague')

    const typed: TypedEdit[] = []
    const turns = new Turns(members)
    const ends = recordEpochEnds(colleague, typed)
    for (const { doc, provider } of authors) {
      onTyped(doc, provider, (edit) => {
        typed.push(edit)
        turns.count()
      })
    }
    const seconds = await timed(async () => {
      const typists: Author[] = authors.map(({ doc, provider }) => ({ doc, provider, rest: () => turns.rest() }))
      if (trace.agents === 1) await typeSequential(trace, typists[0] as Author)
      else await typeConcurrent(trace, typists)
      await turns.finish()
    })

    let reader = colleague
    const coldJoinSeconds = await timed(async () => {
      reader = await enter('fresh reader')
    })
    const docs = members.map(({ doc }) => doc)
    const converged = await untilEqual(docs).then(
      () => true,
      () => false,
    )
    const log = await readStoredLog(relay.url, office.room)
    let reopened: Report['reopened'] = []
    const reopenSeconds = await timed(async () => {
      reopened = await reopenAll(reader, ends)
    })
    const lines = members.map(({ line }) => line)
    return {
      name,
      authors: trace.agents,
      edits: countEdits(trace),
      transactions: trace.transactions.length,
      typed: typed.length,
      editsLost: typed.filter((edit) => !isIn(reader.doc, edit)).length,
      converged,
      texts: docs.length,
      textsAsTraced: docs.filter((doc) => doc.getText('text').toString() === trace.endContent).length,
      rotations: turns.rotations,
      longestRotationMs: turns.longestRotationMs,
      longestPauseMs: Math.max(...lines.map(({ longestPauseMs }) => longestPauseMs)),
      vainPauses: lines.reduce((sum, { vainPauses }) => sum + vainPauses, 0),
      longestAckMs: Math.max(...lines.map(({ longestAckMs }) => longestAckMs)),
      reopened,
      unlikeTrace: trace.agents === 1 ? await epochsUnlikeTrace(trace, ends) : undefined,
      entries: log.entries.length,
      records: log.records.length,
      contradictions: contradictions(log),
      envelopesAudited: audit.observed,
      repeatedNonces: audit.repeated,
      problems: members.flatMap(({ problems }) => problems.map(({ code, message }) => `${code}: ${message}`)),
      seconds,
      coldJoinSeconds,
      reopenSeconds,
    }
  } finally {
    for (const { provider } of members) provider.destroy()
    await Promise.all([relay.stop(), keyServer.stop()])
    rmSync(directory, { recursive: true, force: true })
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedAtMs = performance.now()
  await work()
  return (performance.now() - startedAtMs) / 1_000
}
