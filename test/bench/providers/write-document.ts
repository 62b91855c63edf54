import type * as Y from 'yjs'
import { applyPatches, isAstral } from '../../replay/patches.ts'
import { readTrace } from '../../replay/trace.ts'
import type { RealProvider } from './real-provider.ts'

export interface WriteTraceInput {
  readonly path: string
  /** Edit by edit through the provider; otherwise as one update, for servers whose store keeps no history anyway. */
  readonly asHistory: boolean
}

// Edits between two turns of the event loop: a very quick typist, so that writing takes seconds and not minutes.
const EDITS_PER_TURN = 50
// So that nothing outruns the server without bound.
const EDITS_PER_FLUSH = 5_000

/** Writes the document of an editing history. Resolves with its length when all of it is saved. */
export async function writeTrace(
  { doc, flush }: RealProvider,
  yjs: typeof Y,
  { path, asHistory }: WriteTraceInput,
): Promise<number> {
  const trace = readTrace(path)
  const astral = isAstral(trace)
  const target = asHistory ? doc : new yjs.Doc()
  target.clientID = doc.clientID
  const text = target.getText('text')
  if (trace.startContent !== '') text.insert(0, trace.startContent)
  for (const [index, { patches }] of trace.transactions.entries()) {
    target.transact(() => applyPatches(text, patches, astral))
    if (!asHistory) continue
    if (index % EDITS_PER_FLUSH === 0) await flush()
    else if (index % EDITS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  if (!asHistory) yjs.applyUpdate(doc, yjs.encodeStateAsUpdate(target))
  await flush()
  return text.length
}

// Pasted in pieces, each as large as a long chapter.
const PIECE_CHARACTERS = 256 * 1024

/** Writes a text of so many bytes that compresses and merges badly. Resolves when all of it is saved. */
export async function writeText({ doc, flush }: RealProvider, bytes: number): Promise<void> {
  const text = doc.getText('text')
  while (text.length < bytes) {
    const length = Math.min(PIECE_CHARACTERS, bytes - text.length)
    const random = crypto.getRandomValues(new Uint8Array(48 * 1024))
    const base64 = Buffer.from(random).toString('base64')
    text.insert(text.length, base64.repeat(Math.ceil(length / base64.length)).slice(0, length))
    await flush()
  }
}
