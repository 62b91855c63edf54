import { type KeySource, SealedProvider, type WebSocketConstructor } from 'y-sealed'
import * as Y from 'yjs'
import { EXIT, Failure, failureOf } from '../failure.ts'
import type { RoomAddress } from '../sealed-log/room-reader.ts'
import { untilComplete } from './complete.ts'

export interface LiveOptions extends RoomAddress {
  readonly keys: KeySource
  readonly documentId: string
  readonly timeoutMs: number
}

export interface LiveDocument {
  readonly doc: Y.Doc
  /** Resolves when what was written is durable at the relay. */
  flush(): Promise<void>
  /** Whoever opens the document next reads one checkpoint. */
  compact(): Promise<void>
}

/** Joins a document, lets `work` write in it, and leaves when all of that is durable at the relay. Throws Failure. */
export async function withLiveDocument<Result>(
  { relay, room, token, allowInsecure, keys, documentId, timeoutMs }: LiveOptions,
  WebSocketPolyfill: WebSocketConstructor,
  work: (document: LiveDocument) => Promise<Result>,
): Promise<Result> {
  const doc = new Y.Doc()
  const provider = new SealedProvider(relay, room, doc, {
    ...{ keys, token, documentId, allowInsecure, WebSocketPolyfill },
    connect: false,
    disableBc: true,
  })
  try {
    await untilComplete(provider, timeoutMs)
    if (!provider.canWrite) throw new Failure('write-denied', 'the access token allows to read only', EXIT.relay)
    const result = await work({ doc, flush: () => provider.flush(), compact: () => provider.compact() })
    await provider.flush()
    return result
  } catch (error) {
    throw failureOf(error)
  } finally {
    provider.destroy()
  }
}
