import { randomBytes } from 'node:crypto'
import type { KeyAnswer } from '@y-sealed/key-client/contract'
import { describe } from '../describe.ts'
import type { Capability } from '../dialect.ts'
import { expectSameKey } from '../expectations.ts'
import type { Rule } from '../rule.ts'
import type { Session } from '../session.ts'
import { Skipped, Unmet } from '../verdict.ts'

const PROTOCOL = 'y-sealed protocol §5'
const ROTATORS = 20

export const ROTATION: readonly Rule[] = [
  {
    id: 'KE16',
    title: 'after a rotation null gives the new key, and every older hint its own',
    source: 'TinyMCE, Encryption setup: "old keys cannot be discarded when a new key is requested"',
    async run(session) {
      const documentId = session.newDocument()
      const issued = [await session.key({ documentId, keyHint: null })]
      for (const _ of [1, 2, 3]) issued.push(await rotate(session, documentId, issued.at(-1)?.keyHint ?? ''))
      if (new Set(issued.map(({ key }) => key)).size === 1)
        throw new Skipped('null gives the same key: nothing here rotates')
      for (const { key, keyHint = '' } of issued) {
        expectSameKey(key, (await session.key({ documentId, keyHint })).key, 'for its hint after the rotation')
      }
      if (session.knows.has('after')) {
        expectSameKey(
          issued.at(-1)?.key ?? '',
          (await session.key({ documentId, keyHint: null })).key,
          'for null, the newest',
        )
      }
      return undefined
    },
  },
  {
    id: 'AFTER-1',
    title: 'twenty who leave one key get one other, and so does whoever leaves it later',
    source: PROTOCOL,
    async run(session) {
      need(session, 'after')
      const documentId = session.newDocument()
      const { key, keyHint: after = '' } = await session.key({ documentId, keyHint: null })
      const leaving = { documentId, keyHint: null, after }
      const answers = await Promise.all(Array.from({ length: ROTATORS }, () => session.key(leaving)))
      const keys = new Set([...answers, await session.key(leaving)].map((answer) => answer.key))
      if (keys.size !== 1) throw new Unmet('one new key for all', `${keys.size}`)
      if (keys.has(key)) throw new Unmet('another key than the one that was left', 'the same')
      return undefined
    },
  },
  {
    id: 'AFTER-2',
    title: 'a hint to leave that it has never heard of is newer than all it knows',
    source: `${PROTOCOL}; it is of a key that a restored backup does not have`,
    async run(session) {
      need(session, 'after')
      const documentId = session.newDocument()
      const { key } = await session.key({ documentId, keyHint: null })
      const leaving = { documentId, keyHint: null, after: randomBytes(16).toString('base64url') }
      const [first, second] = [await session.key(leaving), await session.key(leaving)]
      if (first.key === key) throw new Unmet('a new key', 'the one it had')
      expectSameKey(first.key, second.key, 'for all who leave that hint')
      return undefined
    },
  },
  {
    id: 'ACTIVE-1',
    title: 'active is true for the key to write with, and false for those it has replaced',
    source: PROTOCOL,
    async run(session) {
      need(session, 'active')
      const documentId = session.newDocument()
      const old = await session.key({ documentId, keyHint: null })
      if (old.active !== true) throw new Unmet('active: true for a first key', String(old.active))
      need(session, 'after')
      const fresh = await rotate(session, documentId, old.keyHint ?? '')
      const again = await session.key({ documentId, keyHint: old.keyHint ?? '' })
      if (fresh.active !== true) throw new Unmet('active: true for the newest key', String(fresh.active))
      if (again.active !== false) throw new Unmet('active: false for a key that was left', String(again.active))
      return undefined
    },
  },
  {
    id: 'EPOCH-1',
    title: 'the number of a key stays the same, and that of each newer key is higher',
    source: PROTOCOL,
    async run(session) {
      need(session, 'epoch')
      const documentId = session.newDocument()
      const first = await session.key({ documentId, keyHint: null })
      const again = await session.key({ documentId, keyHint: first.keyHint ?? '' })
      if (again.epoch !== first.epoch) throw new Unmet(`epoch ${first.epoch} again`, String(again.epoch))
      need(session, 'after')
      const next = await rotate(session, documentId, first.keyHint ?? '')
      if (!((next.epoch ?? -1) > (first.epoch ?? -1)))
        throw new Unmet(`an epoch above ${first.epoch}`, String(next.epoch))
      return undefined
    },
  },
  {
    id: 'RECORD-1',
    title: 'the first record that a writer reports for a hint is kept, and comes with every answer',
    source: PROTOCOL,
    async run(session) {
      need(session, 'record')
      const documentId = session.newDocument()
      const { keyHint = '', record } = await session.key({ documentId, keyHint: null })
      if (record !== null) throw new Unmet('record: null while none was reported', typeof record)
      const [first, second] = [recordHash(), recordHash()]
      const { reader } = session.target.users
      if (reader) await session.key({ documentId, keyHint, record: second }, { as: reader })
      const answers = [
        await session.key({ documentId, keyHint, record: first }),
        await session.key({ documentId, keyHint, record: second }),
        await session.key({ documentId, keyHint }),
        await session.key({ documentId, keyHint: null }),
      ]
      if (answers.some((answer) => answer.record !== first)) {
        throw new Unmet('the first record that a writer reported, in every answer', 'another or none')
      }
      const malformed = await session.ask({ documentId, keyHint, record: 'not-a-hash' })
      if (malformed.status !== 400) throw new Unmet('400 for a record that is no hash', describe(malformed))
      return undefined
    },
  },
]

function need(session: Session, capability: Capability): void {
  if (!session.knows.has(capability)) throw new Skipped(`it does not know "${capability}"`)
}

/** By `after` where it is known; else null makes a key each time, or none. */
function rotate(session: Session, documentId: string, after: string): Promise<KeyAnswer> {
  return session.key({ documentId, keyHint: null, ...(session.knows.has('after') ? { after } : {}) })
}

function recordHash(): string {
  return randomBytes(32).toString('base64url')
}
