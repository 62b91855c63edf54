import { describe } from '../describe.ts'
import { expectRefused, expectSameKey } from '../expectations.ts'
import type { Rule } from '../rule.ts'
import type { Session } from '../session.ts'
import type { Headers } from '../target.ts'
import { Skipped, Unmet } from '../verdict.ts'

export const ACCESS: readonly Rule[] = [
  {
    id: 'KE12-nobody',
    title: 'who does not say who asks gets 401',
    source: 'RFC 9110 §15.5.2',
    async run(session) {
      if (Object.keys(session.target.users.writer).length === 0)
        throw new Skipped('nobody was named: it answers whoever asks')
      return refusesAlike(session, {}, 401, 'nobody')
    },
  },
  {
    id: 'KE12-invalid',
    title: 'an expired or foreign token gets 401',
    source: 'RFC 9110 §15.5.2',
    async run(session) {
      return refusesAlike(session, userOf(session, 'invalid'), 401, 'an invalid token')
    },
  },
  {
    id: 'KE12',
    title: 'who may not read a document gets 403, whether there is such a document or not',
    source: 'RFC 9110 §15.5.4; a different answer would tell strangers which documents exist',
    async run(session) {
      return refusesAlike(session, userOf(session, 'outsider'), 403, 'an outsider')
    },
  },
  {
    id: 'READER-1',
    title: 'a reader is given keys, and makes none',
    source: 'y-sealed protocol §6: who may not create waits for who may',
    async run(session) {
      const as = userOf(session, 'reader')
      const documentId = session.newDocument()
      expectRefused(
        await session.ask({ documentId, keyHint: null }, { as }),
        [403],
        "a reader's null for a new document",
      )
      const { key, keyHint = '' } = await session.key({ documentId, keyHint: null })
      expectSameKey(key, (await session.key({ documentId, keyHint }, { as })).key, 'for the reader')
      return undefined
    },
  },
]

function userOf({ target }: Session, name: 'invalid' | 'outsider' | 'reader'): Headers {
  const user = target.users[name]
  if (user === undefined) throw new Skipped(`--users has no "${name}"`)
  return user
}

/** The same answer for a document with a key, by null, by its hint and by another, and for one that was never heard of. */
async function refusesAlike(session: Session, as: Headers, status: number, who: string): Promise<undefined> {
  const [exists, absent] = [session.newDocument(), session.newDocument()]
  const { keyHint = '' } = await session.key({ documentId: exists, keyHint: null })
  const questions = [
    { documentId: exists, keyHint: null },
    { documentId: exists, keyHint },
    { documentId: exists, keyHint: 'never-issued' },
    { documentId: absent, keyHint: null },
    { documentId: absent, keyHint: 'never-issued' },
  ]
  const seen = new Set<string>()
  for (const question of questions) {
    const answer = await session.ask(question, { as })
    expectRefused(answer, [status], who)
    seen.add(`${describe(answer)} ${answer.body.toString('latin1')}`)
  }
  if (seen.size > 1) throw new Unmet('one answer, whether the document exists or not', `${seen.size} different ones`)
  return undefined
}
