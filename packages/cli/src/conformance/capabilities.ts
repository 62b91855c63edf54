import { jsonOf } from './describe.ts'
import { type Capability, membersOf } from './dialect.ts'
import type { Session } from './session.ts'

/** What an endpoint is weaker by, member by member, where it does not have it. */
const MISSING: Readonly<Record<Capability, string>> = {
  active: 'a key cannot be taken out of use from the server: members must rotate',
  after: 'members who rotate at once make a key each, of which one is used',
  epoch: 'a record under an older key cannot be told by its number',
  record: 'a relay can hold a newcomer in an epoch that a rotation has ended',
}

/** Looks at one answer, and for `after` at what two who leave the same key are given. */
export async function findCapabilities(session: Session): Promise<readonly Capability[]> {
  const { knows } = session.target
  if (knows !== undefined) return knows
  // The other dialects have key and hint only.
  if (session.dialect.name !== 'contract') return []
  const documentId = session.newDocument()
  const first = await session.key({ documentId, keyHint: null })
  const found: Capability[] = (['epoch', 'active', 'record'] as const).filter((name) => first[name] !== undefined)
  const leaving = { documentId, keyHint: null, after: first.keyHint ?? '' }
  const answers = [await session.ask(leaving), await session.ask(leaving)]
  const [one, other] = answers.map(({ body }) => membersOf(jsonOf(body)).key)
  if (answers.every(({ status }) => status === 200) && one === other && one !== first.key) found.push('after')
  return found
}

export interface Weakness {
  readonly member: Capability | 'hints'
  readonly means: string
}

/** Why the endpoint, though it keeps the contract, cannot promise what ours does. */
export function weaknessesOf(session: Session): Weakness[] {
  const missing = (Object.keys(MISSING) as Capability[])
    .filter((member) => !session.knows.has(member))
    .map((member) => ({ member, means: MISSING[member] }))
  const { hints } = session.target
  if (hints === 'ignored') return [...missing, { member: 'hints', means: 'one key per document, which never changes' }]
  if (hints === 'salt') {
    return [
      ...missing,
      { member: 'hints', means: "whoever takes a document's secret has all its keys, to come as well" },
    ]
  }
  return missing
}
