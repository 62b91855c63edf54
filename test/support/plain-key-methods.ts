import { createHmac, randomBytes } from 'node:crypto'

export interface PlainQuestion {
  readonly documentId: string
  readonly keyHint: string | null
}

export interface PlainAnswer {
  readonly key: string
  readonly keyHint?: string | null
}

/** How an endpoint of the plain contract comes by its keys; undefined: access not permitted. */
export type KeyMethod = (question: PlainQuestion) => PlainAnswer | undefined

const newKey = (): string => randomBytes(32).toString('base64')
const newHint = (): string => randomBytes(16).toString('hex')

/** A table of (document, hint, key). Each null adds a row, however many there are: the simplest reading of the contract. */
export function mintsOnEveryNull(makeHint: () => string = newHint, makeKey: () => string = newKey): KeyMethod {
  const keys = new Map<string, string>()
  const row = (documentId: string, keyHint: string): string => JSON.stringify([documentId, keyHint])
  return ({ documentId, keyHint }) => {
    if (keyHint === null) {
      const minted = { key: makeKey(), keyHint: makeHint() }
      keys.set(row(documentId, minted.keyHint), minted.key)
      return minted
    }
    const key = keys.get(row(documentId, keyHint))
    return key === undefined ? undefined : { key, keyHint }
  }
}

/** One key per document for null and for any hint; in the answer no hint, or what is given as one. */
export function fixedKeyPerDocument(hint: { keyHint?: string | null } = {}): KeyMethod {
  const keys = new Map<string, string>()
  return ({ documentId }) => {
    const key = keys.get(documentId) ?? newKey()
    keys.set(documentId, key)
    return { key, ...hint }
  }
}

/** One key per document, made for the first null; its hint is `""`, and every other is unknown. */
export function emptyHints(): KeyMethod {
  const keys = new Map<string, string>()
  return ({ documentId, keyHint }) => {
    if (keyHint === null && !keys.has(documentId)) keys.set(documentId, newKey())
    const key = keys.get(documentId)
    return key === undefined || (keyHint !== null && keyHint !== '') ? undefined : { key, keyHint: '' }
  }
}

/** Nothing is stored but one secret per document; the rest of the key travels as the hint. Any hint gives some key. */
export function saltInHint(): KeyMethod {
  const secrets = fixedKeyPerDocument()
  return ({ documentId, keyHint }) => {
    const secret = secrets({ documentId, keyHint })?.key ?? ''
    const salt = keyHint ?? newHint()
    return { key: createHmac('sha256', secret).update(salt).digest('hex'), keyHint: salt }
  }
}

const HOUR_MS = 3_600_000

/**
 * A key of the last hour is answered to null again; hints are times, keys have 256 characters; and `""` is taken for null,
 * because it is as false as null is.
 */
export function reusesForAnHour(nowMs: () => number = () => Date.UTC(2023, 0, 1)): KeyMethod {
  const rows: { documentId: string; createdMs: number; keyHint: string; key: string }[] = []
  return ({ documentId, keyHint }) => {
    const own = rows.filter((row) => row.documentId === documentId)
    const newest = own.findLast(({ createdMs }) => nowMs() - createdMs < HOUR_MS)
    const found = keyHint ? own.find((row) => row.keyHint === keyHint) : newest
    if (found !== undefined) return { key: found.key, keyHint: found.keyHint }
    if (keyHint) return undefined
    const createdMs = nowMs()
    const made = { keyHint: new Date(createdMs).toISOString(), key: randomBytes(192).toString('base64') }
    rows.push({ documentId, createdMs, ...made })
    return made
  }
}

/** Mints for null, and for `""` as if it were null; answers no hint. What it gave once it can never give again. */
export function takesEmptyForNull(): KeyMethod {
  return ({ keyHint }) => (keyHint ? undefined : { key: newKey() })
}

/** One hint for all keys of a document; it goes on meaning the first of them, whatever null is answered. */
export function oneHintForAll(): KeyMethod {
  const first = new Map<string, string>()
  return ({ documentId, keyHint }) => {
    const key = keyHint === null ? newKey() : first.get(documentId)
    if (key !== undefined && !first.has(documentId)) first.set(documentId, key)
    return key === undefined ? undefined : { key, keyHint: 'default' }
  }
}
