import type { LogContents } from '../log/log-store.ts'
import { sameHash } from '../log/record-hash.ts'
import { errorFields } from '../telemetry/log.ts'
import { type Damage, DamageFound } from './damage.ts'
import { type DocumentCounts, verifyDocument } from './verify-document.ts'

// Names at once: some 100 kB.
const PAGE = 1_000

export interface Verified extends DocumentCounts {
  documents: number
  /** The first of each document that has any. */
  damages: Damage[]
}

// Of a store that is in use: somebody rotates or prunes while we look.
const ATTEMPTS = 3

/** Looks through all of a store; what is wrong with one document keeps nobody from looking at the next. */
export async function verifyStore(contents: LogContents): Promise<Verified> {
  const verified: Verified = { documents: 0, epochs: 0, entries: 0, checkpoints: 0, damages: [] }
  let after = ''
  for (;;) {
    const names = await contents.names(after, PAGE)
    for (const name of names) {
      verified.documents++
      try {
        const { epochs, entries, checkpoints } = await verifyUnmoved(contents, name)
        verified.epochs += epochs
        verified.entries += entries
        verified.checkpoints += checkpoints
      } catch (error) {
        verified.damages.push(damageOf(name, error))
      }
    }
    const last = names.at(-1)
    if (last === undefined) return verified
    after = last
  }
}

/** Damage counts only where nobody has changed the document meanwhile, or again and again. */
async function verifyUnmoved(contents: LogContents, name: string): Promise<DocumentCounts> {
  for (let attempt = 1; ; attempt++) {
    const before = await contents.head(name)
    try {
      return await verifyDocument(contents, name)
    } catch (error) {
      const { hash } = await contents.head(name)
      if (attempt === ATTEMPTS || sameHash(before.hash, hash)) throw error
    }
  }
}

function damageOf(name: string, error: unknown): Damage {
  if (error instanceof DamageFound) return { name, sequence: error.sequence, what: error.message }
  // What the database says of a file that it cannot read, or of rows that cannot be.
  const { errorName = 'Error', code } = errorFields(error)
  const message = error instanceof Error ? `: ${error.message}` : ''
  return { name, sequence: 0, what: `${code ?? errorName}${message}` }
}
