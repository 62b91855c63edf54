import { readFile } from 'node:fs/promises'
import { describe } from '../describe.ts'
import type { Exchange } from '../exchange.ts'
import type { Rule } from '../rule.ts'
import type { Session } from '../session.ts'
import { spellingsOf } from '../spellings.ts'
import { Skipped, Unmet } from '../verdict.ts'
import { sendJson } from './unicode.ts'

export const SECRECY: readonly Rule[] = [
  {
    id: 'ERROR-1',
    title: 'no error has a key in it',
    source: 'errors are shown, logged and sent on',
    async run(session) {
      const documentId = session.newDocument()
      const { keyHint = '' } = await session.key({ documentId, keyHint: null })
      const errors: [string, Exchange][] = [
        ['an unknown hint', await session.ask({ documentId, keyHint: 'never-issued' })],
        ['another method', await session.send({ method: 'PUT', headers: { accept: 'application/json' } })],
        ['a user unknown', await session.ask({ documentId, keyHint }, { as: session.target.users.invalid ?? {} })],
      ]
      const { body } = session.dialect
      if (body) {
        const [id, hint] = [JSON.stringify(documentId), JSON.stringify(keyHint)]
        errors.push(['JSON that breaks off', await sendJson(session, `{"documentId":${id},"${body.hint}":${hint}`)])
        errors.push(['a wrong type', await sendJson(session, `{"documentId":${id},"${body.hint}":[${hint}]}`)])
      }
      if (session.target.users.outsider) {
        errors.push(['an outsider', await session.ask({ documentId, keyHint }, { as: session.target.users.outsider })])
      }
      for (const [what, answer] of errors) {
        if (answer.status >= 400 && leaks(session, answer)) {
          throw new Unmet(`no key in the answer to ${what}`, `a key in an answer of ${answer.status}`)
        }
      }
      return undefined
    },
  },
  {
    id: 'KE20',
    title: 'no log has a key',
    source: 'a log is kept longer, copied further and read by more people than a key may be',
    async run(session) {
      const { logFiles } = session.target
      if (logFiles.length === 0) throw new Skipped('no --log was named')
      for (const path of logFiles) {
        const text = await readFile(path, 'latin1')
        const found = [...session.keys].filter((key) => spellingsOf(key).some((spelling) => text.includes(spelling)))
        if (found.length > 0) throw new Unmet('no key', `${found.length} of ${session.keys.size} keys that it gave`)
      }
      return `${session.keys.size} keys looked for`
    },
  },
]

function leaks(session: Session, answer: Exchange): boolean {
  const text = `${JSON.stringify(answer.headers)}${answer.body.toString('latin1')}${describe(answer)}`
  return [...session.keys].some((key) => spellingsOf(key).some((spelling) => text.includes(spelling)))
}
