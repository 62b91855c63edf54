import { type KeySource, SealedProvider } from 'y-sealed'
import * as Y from 'yjs'
import { EXIT, Failure } from '../failure.ts'
import { replaySocketOf } from '../sealed-log/replay-socket.ts'
import type { SealedLog } from '../sealed-log/sealed-log.ts'
import { untilComplete, type Warning } from './complete.ts'

/** Nobody connects there. */
const NOWHERE = 'ws://localhost'

export interface OpenOptions {
  readonly keys: KeySource
  /** What the keys are bound to. */
  readonly documentId: string
  readonly timeoutMs: number
  /** It was fetched just now: what the key endpoint knows of newer epochs counts. Else it is as old as it is. */
  readonly isLive: boolean
  /** The document as it was at the end of this epoch, or after this sequence of it. */
  readonly past?: { readonly epoch: number; readonly at?: number }
}

export interface OpenedDocument {
  readonly doc: Y.Doc
  /** What was found wrong, and leaves the document as it is. */
  readonly warnings: readonly Warning[]
}

/** Opens a sealed log with keys: by the provider itself, to which it looks like a relay that lets nobody write. Throws Failure. */
export async function openSealedLog(log: SealedLog, options: OpenOptions): Promise<OpenedDocument> {
  const { keys, documentId, timeoutMs, isLive, past } = options
  if (log.isEmpty) throw new Failure('no-document', 'nobody has ever written this document', EXIT.found)
  const doc = new Y.Doc()
  const provider = new SealedProvider(NOWHERE, documentId, doc, {
    keys: isLive ? keys : asOfThen(keys),
    WebSocketPolyfill: replaySocketOf(log),
    connect: false,
    disableBc: true,
  })
  try {
    const warnings = await untilComplete(provider, timeoutMs)
    return { doc: past === undefined ? doc : await provider.openEpoch(past.epoch, past.at), warnings }
  } finally {
    provider.destroy()
  }
}

/** A log that was fetched last year ends with the epoch of last year: that its key is retired by now, and that there is a newer one, says nothing against it. */
function asOfThen(keys: KeySource): KeySource {
  return async ({ documentId, keyHint }, options) => {
    const { active: _, record: __, ...answer } = Object(await keys({ documentId, keyHint }, options))
    return answer
  }
}
