import { describe } from '../describe.ts'
import { expectSameKey } from '../expectations.ts'
import type { Rule } from '../rule.ts'
import { Unmet } from '../verdict.ts'

/** As many as open a document when a meeting begins. */
const AT_ONCE = 20

export const TOGETHER: readonly Rule[] = [
  {
    id: 'KE6',
    title:
      'of twenty who ask at once with null each gets a key that its hint gives again; one key, where null gives one',
    source:
      'TinyMCE, RTC troubleshooting: two clients may both ask with null; "old keys cannot be discarded immediately"',
    async run(session) {
      const documentId = session.newDocument()
      const asked = Array.from({ length: AT_ONCE }, () => session.ask({ documentId, keyHint: null }))
      const failed = (await Promise.all(asked)).find(({ status }) => status !== 200)
      if (failed) throw new Unmet('200 for each of twenty', describe(failed))
      const pairs = (await Promise.all(asked)).map(({ body }) =>
        session.dialect.parse(JSON.parse(body.toString('utf8'))),
      )
      for (const { key, keyHint = '' } of pairs) {
        expectSameKey(key, (await session.key({ documentId, keyHint })).key, 'again for its hint')
      }
      const count = new Set(pairs.map(({ key }) => key)).size
      if (count === 1) return 'one key'
      const later = [await session.key({ documentId, keyHint: null }), await session.key({ documentId, keyHint: null })]
      if (later[0]?.key === later[1]?.key) {
        throw new Unmet('one key, as those get who ask one after the other', `${count} keys`)
      }
      return `it makes a key for each null: ${count} keys`
    },
  },
]
