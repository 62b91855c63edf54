import { describe } from '../describe.ts'
import { expectAnyRefusal, expectSameKey } from '../expectations.ts'
import type { Rule } from '../rule.ts'
import type { Session } from '../session.ts'
import { Skipped, Unmet } from '../verdict.ts'

const UNICODE = 'TinyMCE, Encryption setup: "can include any unicode characters, including emoji"'

/** Pairs of ids that a careless comparison takes for one. */
const LOOK_ALIKES: readonly (readonly [string, string, string])[] = [
  ['composed and decomposed', '-caf\u00e9', '-cafe\u0301'],
  ['with and without a blank at the end', '-a', '-a '],
  ['in capitals and not', '-a', '-A'],
  ['full width and not', '-a', '-\uff41'],
  ['with and without a zero width joiner', '-a', '-a\u200d'],
  ['cut at a NUL and not', '-a', '-a\u0000b'],
  ['two astral characters of one first half', '-\u{1f511}', '-\u{1f510}'],
]

const RIGHT_TO_LEFT_AND_EMOJI = '-שלום-🔑-Größe'

export const UNICODE_RULES: readonly Rule[] = [
  {
    id: 'KE9',
    title: 'ids are compared byte for byte: two that look alike are two documents',
    source: UNICODE,
    async run(session) {
      needNames(session)
      for (const [what, one, other] of LOOK_ALIKES) {
        const stem = session.newDocument()
        const first = await session.key({ documentId: stem + one, keyHint: null })
        const second = await session.key({ documentId: stem + other, keyHint: null })
        if (first.key === second.key) throw new Unmet(`two keys for ids that are ${what}`, 'one')
        const again = await session.key({ documentId: stem + one, keyHint: first.keyHint ?? '' })
        expectSameKey(first.key, again.key, `again for its id and hint (ids ${what})`)
      }
      return undefined
    },
  },
  {
    id: 'KE9-json',
    title: 'a character means the same escaped and as it is',
    source: 'RFC 8259 §7',
    async run(session) {
      needNames(session)
      const { body } = session.dialect
      if (!body) throw new Skipped('this dialect has no body')
      const documentId = session.newDocument(RIGHT_TO_LEFT_AND_EMOJI)
      const { key, keyHint = '' } = await session.key({ documentId, keyHint: null })
      const request = session.dialect.request(session.target.url, { documentId, keyHint })
      const escaped = String(request.body).replace(
        /[^\x20-\x7e]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
      )
      const headers = session.target.origin === undefined ? {} : { origin: session.target.origin }
      const answer = await session.send({ ...request, body: escaped }, { headers })
      if (answer.status !== 200) throw new Unmet('200 with the key, asked with escaped characters', describe(answer))
      expectSameKey(
        key,
        session.dialect.parse(JSON.parse(answer.body.toString('utf8'))).key,
        'for the id with escaped characters',
      )
      return undefined
    },
  },
  {
    id: 'SURROGATE-1',
    title: 'half a character is no text: a lone surrogate in an id or a hint is refused',
    source: 'RFC 8259 §8.2; in UTF-8 all 2,048 of them are one, and two documents would be',
    async run(session) {
      const { body } = session.dialect
      if (!body) throw new Skipped('this dialect has no body')
      const stem = session.newDocument()
      const { keyHint = '' } = await session.key({ documentId: stem, keyHint: null })
      for (const half of ['\\ud83d', '\\udd11', '\\udd11\\ud83d']) {
        const id = await sendJson(session, `{"documentId":"${stem}${half}","${body.hint}":null}`)
        expectAnyRefusal(id, 'half a character in a document id')
        const hint = await sendJson(session, `{"documentId":"${stem}","${body.hint}":"${half}"}`)
        expectAnyRefusal(hint, 'half a character in a hint')
      }
      await session.key({ documentId: stem, keyHint })
      return undefined
    },
  },
  {
    id: 'UTF8-1',
    title: 'bytes that are not UTF-8 are refused, not replaced',
    source: 'RFC 3629 §3; replaced, different ids become one',
    async run(session) {
      const { body } = session.dialect
      if (!body) throw new Skipped('this dialect has no body')
      const stem = session.newDocument()
      for (const bytes of ['\xff', '\xc0\xaf', '\xed\xa0\xbd']) {
        const raw = Buffer.from(`{"documentId":"${stem}${bytes}","${body.hint}":null}`, 'latin1')
        expectAnyRefusal(await sendJson(session, raw), 'a body that is not UTF-8')
      }
      return undefined
    },
  },
]

/** A body as it stands, with the headers of a request of this dialect. */
export function sendJson(session: Session, body: string | Uint8Array) {
  const { method, url, headers } = session.dialect.request(session.target.url, { documentId: '', keyHint: null })
  const origin = session.target.origin === undefined ? {} : { origin: session.target.origin }
  return session.send({ method, url, headers, body }, { headers: origin })
}

function needNames({ target }: Session): void {
  if (target.documents) throw new Skipped('--documents names which ids there are')
}
