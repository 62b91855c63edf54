import { createHash, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { describeKey } from '../describe.ts'
import { membersOf } from '../dialect.ts'
import type { Rule } from '../rule.ts'
import type { Session } from '../session.ts'
import { Skipped, Unmet } from '../verdict.ts'

/** Only the owner: it names documents. */
const FILE_MODE = 0o600

interface Remembered {
  readonly documentId: string
  readonly keyHint: string
  /** SHA-256 of `salt` and the key, in base64: a key of 128 bits is not found from it. */
  readonly digest: string
  readonly salt: string
}

export const LASTING: readonly Rule[] = [
  {
    id: 'KE3',
    title: 'the keys of an earlier run are given again: after a restart, a move, a restore',
    source: 'TinyMCE, Encryption setup: "has access to a database"; text whose key is gone is gone',
    async run(session) {
      const { memoryFile } = session.target
      if (memoryFile === undefined) throw new Skipped('no --memory was named')
      const earlier = await readMemory(memoryFile)
      for (const { documentId, keyHint, digest, salt } of earlier) {
        const { key } = await session.key({ documentId, keyHint })
        if (digestOf(salt, key) !== digest) throw new Unmet('the key of an earlier run', `another, ${describeKey(key)}`)
      }
      await writeFile(memoryFile, JSON.stringify([...earlier, await memorise(session)]), { mode: FILE_MODE })
      if (earlier.length === 0) throw new Skipped('nothing is remembered yet: restart the endpoint and run this again')
      return `${earlier.length} remembered`
    },
  },
]

async function memorise(session: Session): Promise<Remembered> {
  const documentId = session.newDocument()
  const { key, keyHint = '' } = await session.key({ documentId, keyHint: null })
  const salt = randomBytes(16).toString('base64')
  return { documentId, keyHint, salt, digest: digestOf(salt, key) }
}

function digestOf(salt: string, key: string): string {
  return createHash('sha256').update(salt).update(key, 'utf8').digest('base64')
}

async function readMemory(path: string): Promise<Remembered[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '[]'
    throw error
  })
  const entries: unknown = JSON.parse(text)
  if (!Array.isArray(entries)) throw new TypeError(`${path} is no memory of an earlier run`)
  return entries.map((entry) => {
    const { documentId, keyHint, digest, salt } = membersOf(entry)
    if (![documentId, keyHint, digest, salt].every((member) => typeof member === 'string')) {
      throw new TypeError(`${path} is no memory of an earlier run`)
    }
    return { documentId: String(documentId), keyHint: String(keyHint), digest: String(digest), salt: String(salt) }
  })
}
