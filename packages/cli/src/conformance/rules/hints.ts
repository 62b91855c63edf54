import { randomBytes } from 'node:crypto'
import { describe, describeKey } from '../describe.ts'
import type { Exchange } from '../exchange.ts'
import { expectRefused, expectSameKey, hasKey } from '../expectations.ts'
import type { Rule } from '../rule.ts'
import type { Session } from '../session.ts'
import { Skipped, Unmet } from '../verdict.ts'

const REJECTS = 'TinyMCE, Encryption setup: no entry for the pair "rejects the request (access not permitted)"'

const UNKNOWN = [403, 404]

/** Hints that nobody issued; some of them mean something to a database, a file system or a template. */
const STRANGE_HINTS = [
  'never-issued',
  "' OR 1=1 --",
  '../../etc/passwd',
  '%00',
  '{{7*7}}',
  '__proto__',
  'a\u0000b',
  '🔑',
]

/** A hint has at most so many UTF-16 units. */
const MAX_HINT_UNITS = 256

export const HINTS: readonly Rule[] = [
  {
    id: 'KE4',
    title: 'a hint that was never issued is refused, and makes no key',
    source: REJECTS,
    async run(session) {
      needStoredHints(session)
      const documentId = session.newDocument()
      const first = await session.key({ documentId, keyHint: null })
      for (const keyHint of [...STRANGE_HINTS, randomBytes(16).toString('hex')]) {
        // Twice: the first must not have made what the second finds.
        for (const _ of [1, 2]) {
          expectRefused(await session.ask({ documentId, keyHint }), UNKNOWN, 'a hint that was never issued')
        }
      }
      expectSameKey(first.key, (await session.key({ documentId, keyHint: first.keyHint ?? '' })).key, 'as before')
      return undefined
    },
  },
  {
    id: 'KE5',
    title: 'the hint of one document opens no other',
    source: `${REJECTS}; the pair is document and hint`,
    async run(session) {
      needStoredHints(session)
      const [documentId, other, never] = [session.newDocument(), session.newDocument(), session.newDocument()]
      const { key, keyHint = '' } = await session.key({ documentId, keyHint: null })
      const others = await session.key({ documentId: other, keyHint: null })
      if (keyHint === (others.keyHint ?? '')) throw new Skipped('it gives all documents the same hint')
      for (const asked of [other, never]) {
        const answer = await session.ask({ documentId: asked, keyHint })
        if (givesKey(session, answer, key)) {
          throw new Unmet("403 or 404 for another document's hint", `${describe(answer)}, that of the other document`)
        }
        expectRefused(answer, UNKNOWN, "another document's hint")
      }
      expectSameKey(key, (await session.key({ documentId, keyHint })).key, 'for the document it was issued for')
      return undefined
    },
  },
  {
    id: 'KE7',
    title: '"" is a hint, not null: unless it was answered it is refused, and makes no key',
    source: 'TinyMCE, Encryption setup: null "needs a new key"; any other hint is of a previously issued one',
    async run(session) {
      needStoredHints(session)
      const documentId = session.newDocument()
      expectRefused(await session.ask({ documentId, keyHint: '' }), UNKNOWN, '"" before there is a key')
      const { keyHint = '' } = await session.key({ documentId, keyHint: null })
      if (keyHint === '') throw new Skipped('it answers no hint, and "" stands for that')
      expectRefused(await session.ask({ documentId, keyHint: '' }), UNKNOWN, '"" where another hint was answered')
      return undefined
    },
  },
  {
    id: 'KE10',
    title: 'a hint of 256 UTF-16 units is a hint; of 257 none is answered',
    source: 'TinyMCE, rtc_encryption_provider: "unicode, max 256 characters"',
    async run(session) {
      const documentId = session.newDocument()
      const { keyHint = '' } = await session.key({ documentId, keyHint: null })
      if (keyHint.length > MAX_HINT_UNITS) throw new Unmet('256 units', `${keyHint.length}`)
      needStoredHints(session)
      const longest = '🔑'.repeat(MAX_HINT_UNITS / 2)
      expectRefused(await session.ask({ documentId, keyHint: longest }), UNKNOWN, 'an unknown hint of 256 units')
      const longer = await session.ask({ documentId, keyHint: `${longest}x` })
      if (longer.status >= 500 || hasKey(longer)) throw new Unmet('4xx for a hint of 257 units', describe(longer))
      return undefined
    },
  },
  {
    id: 'SIZE-1',
    title: 'the longest request of the contract is understood',
    source: 'y-sealed protocol §1: a document id of 1,024 bytes, a hint of 256 UTF-16 units',
    async run(session) {
      needStoredHints(session)
      if (session.target.documents) throw new Skipped('--documents names which ids there are')
      const stem = session.newDocument()
      const documentId = stem + 'ü'.repeat((1024 - Buffer.byteLength(stem)) / 2)
      const { key, keyHint = '' } = await session.key({ documentId, keyHint: null })
      expectSameKey(key, (await session.key({ documentId, keyHint })).key, 'again for its hint')
      const answer = await session.ask({ documentId, keyHint: '\u0001'.repeat(MAX_HINT_UNITS) })
      expectRefused(answer, UNKNOWN, 'an unknown hint of 256 units, all of them escaped')
      return undefined
    },
  },
]

/** @throws Skipped where a hint that nobody issued is no mistake */
export function needStoredHints({ target }: Session): void {
  if (target.hints !== 'stored') throw new Skipped(`--hints ${target.hints}: any hint is answered`)
}

function givesKey(session: Session, answer: Exchange, key: string): boolean {
  return session.keys.has(key) && describe(answer).includes(describeKey(key))
}
