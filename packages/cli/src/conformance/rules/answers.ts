import { describeHeader, describeKey } from '../describe.ts'
import { expectSameKey } from '../expectations.ts'
import type { Rule } from '../rule.ts'
import { Skipped, Unmet } from '../verdict.ts'

/** 128 bits have 22 characters in base64url, more in every other usual spelling. */
const MIN_KEY_UNITS = 22
/** Random ones of that length hardly ever have fewer. */
const MIN_DIFFERENT_CHARACTERS = 10

/** By each of two users. Enough to see a replica that lags or an answer that depends on chance. */
const TIMES = 10

/** Two keys that are equal by mistake are met with among few documents already. */
const MANY_DOCUMENTS = 40
const AT_ONCE = 10

const EMAIL = /[^\s@]+@[^\s@]+\.[^\s@]+/
const JWT = /^eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\./

export const ANSWERS: readonly Rule[] = [
  {
    id: 'KE1',
    title: 'a new document gets a key of 128 bits or more, and a hint',
    source: 'TinyMCE, Encryption setup: "will generate new encryption keys and keyhints for new documents"',
    async run(session) {
      const { key } = await session.key({ documentId: session.newDocument(), keyHint: null })
      if (key.length < MIN_KEY_UNITS || new Set(key).size < MIN_DIFFERENT_CHARACTERS) {
        throw new Unmet(
          `a key of ${MIN_KEY_UNITS} units or more, ${MIN_DIFFERENT_CHARACTERS} of them different`,
          describeKey(key),
        )
      }
      return undefined
    },
  },
  {
    id: 'KE2',
    title: 'the hint of a key gives that key to every user, byte for byte, each time',
    source: 'TinyMCE, RTC troubleshooting: "the same encryption key must be returned every time"',
    async run(session) {
      const documentId = session.newDocument()
      const { key, keyHint = '' } = await session.key({ documentId, keyHint: null })
      const { writer, colleague = writer } = session.target.users
      for (let time = 0; time < TIMES; time++) {
        for (const as of [writer, colleague]) {
          expectSameKey(key, (await session.key({ documentId, keyHint }, { as })).key, 'again for its hint')
        }
      }
      return colleague === writer ? 'by one user: no colleague was named' : undefined
    },
  },
  {
    id: 'KE15',
    title: 'no two documents have one key',
    source: 'TinyMCE, Encryption setup: "the key should be unique to the document"',
    async run(session) {
      const documents = [session.newDocument(), session.newDocument()]
      while (session.target.documents === undefined && documents.length < MANY_DOCUMENTS) {
        documents.push(session.newDocument())
      }
      const keys = new Set<string>()
      for (let at = 0; at < documents.length; at += AT_ONCE) {
        const asked = documents.slice(at, at + AT_ONCE).map((documentId) => session.key({ documentId, keyHint: null }))
        for (const { key } of await Promise.all(asked)) keys.add(key)
      }
      if (keys.size < documents.length) throw new Unmet(`${documents.length} different keys`, `${keys.size}`)
      return undefined
    },
  },
  {
    id: 'TYPE-1',
    title: 'a key is answered as JSON in UTF-8, and says so',
    source: 'TinyMCE, Encryption setup: "produces a JSON response"; RFC 8259 §8.1',
    async run(session) {
      const { headers } = await session.ask({ documentId: session.newDocument(), keyHint: null })
      const type = headers['content-type']
      if (!/^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i.test(type ?? '')) {
        throw new Unmet('content-type application/json', describeHeader(type))
      }
      return undefined
    },
  },
  {
    id: 'HINT-1',
    title: 'a hint is public: it is no address and no token, and has nothing of the key',
    source: 'TinyMCE, Encryption setup: "do not add secret or sensitive information to the key hint"',
    async run(session) {
      const { key, keyHint = '' } = await session.key({ documentId: session.newDocument(), keyHint: null })
      const found = EMAIL.test(keyHint) ? 'an e-mail address' : JWT.test(keyHint) ? 'a token' : undefined
      if (found !== undefined) throw new Unmet('an opaque hint', `one that looks like ${found}`)
      const sharesText = keyHint.length > 0 && (keyHint.includes(key) || (keyHint.length >= 8 && key.includes(keyHint)))
      if (sharesText) throw new Unmet('a hint that has nothing of the key', 'one that has')
      return undefined
    },
  },
  {
    id: 'KE8',
    title: 'where no hint is answered, "" gives the key again',
    source: 'TinyMCE, Encryption setup: "an empty string will be recorded as the key hint"',
    async run(session) {
      const documentId = session.newDocument()
      const { key, keyHint = '' } = await session.key({ documentId, keyHint: null })
      if (keyHint !== '') throw new Skipped('it answers hints')
      expectSameKey(key, (await session.key({ documentId, keyHint: '' })).key, 'for ""')
      return undefined
    },
  },
]
