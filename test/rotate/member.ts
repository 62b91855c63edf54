import { type KeySource, keyEndpoint, type SealedError, SealedProvider } from 'y-sealed'
import * as Y from 'yjs'
import { patiently } from '../support/events.ts'
import type { NonceAudit } from '../support/nonce-audit.ts'
import { Wire } from '../support/wire.ts'
import { LineTimes } from './line-times.ts'

/** A cold reader of the longest trace has a quarter of a million edits to open, on a machine that does other things too. */
const JOIN_PATIENCE_MS = 60_000

export interface Office {
  readonly relayUrl: string
  readonly keysUrl: string
  readonly room: string
  readonly audit: NonceAudit
}

/** Somebody with a document, a provider and a line of their own. */
export interface Member {
  readonly doc: Y.Doc
  readonly text: Y.Text
  readonly provider: SealedProvider
  readonly line: LineTimes
  readonly problems: readonly SealedError[]
}

/** Resolves once the document is complete. */
export async function join(
  { relayUrl, keysUrl, room, audit }: Office,
  name: string,
  doc = new Y.Doc(),
): Promise<Member> {
  const line = new LineTimes(() => provider.syncStatus.localUpdatesAge)
  line.onEnvelope(({ direction, envelope }) => {
    if (direction === 'up') audit.observe(room, envelope)
  })
  const keys: KeySource = keyEndpoint(keysUrl)
  const problems: SealedError[] = []
  const { WebSocket } = new Wire(line)
  const provider = new SealedProvider(relayUrl, room, doc, { keys, WebSocketPolyfill: WebSocket })
  provider.on('problem', (problem: SealedError) => void problems.push(problem))
  await patiently(provider.whenSynced, `${name} to be synced`, JOIN_PATIENCE_MS)
  return { doc, text: doc.getText('text'), provider, line, problems }
}
