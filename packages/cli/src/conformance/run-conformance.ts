import { ALL_RULES } from './all-rules.ts'
import { findCapabilities, type Weakness, weaknessesOf } from './capabilities.ts'
import { NoAnswer } from './exchange.ts'
import type { Rule } from './rule.ts'
import { createSession, type Session } from './session.ts'
import { spellingsOf } from './spellings.ts'
import type { Target } from './target.ts'
import { Skipped, Unmet, type Verdict } from './verdict.ts'

export type RuleResult = Verdict & { readonly id: string; readonly title: string; readonly source: string }

export interface ConformanceReport {
  readonly url: string
  readonly dialect: string
  readonly results: readonly RuleResult[]
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** What the endpoint cannot promise although it keeps the contract. */
  readonly weaker: readonly Weakness[]
  /** What the first question got, where none got a key: then nothing else that is said here means much. */
  readonly noKey?: string
}

/**
 * Looks at one endpoint, rule by rule. The report has no key in it.
 * @throws NoAnswer if the endpoint cannot be reached at all
 */
export async function runConformance(target: Target, rules: readonly Rule[] = ALL_RULES): Promise<ConformanceReport> {
  const session = createSession(target)
  await session.send({ method: 'OPTIONS' }, { as: {} })
  let first = 'no answer that has one'
  const knows = await findCapabilities(session).catch((error: unknown) => {
    if (error instanceof Unmet) first = error.got
    // No key to be had: the rules will say why.
    if (error instanceof Unmet || error instanceof Skipped || error instanceof NoAnswer) return []
    throw error
  })
  for (const capability of knows) session.knows.add(capability)
  const results: RuleResult[] = []
  for (const rule of rules) {
    const { id, title, source } = rule
    results.push({ id, title, source, ...withoutKeys(session, await judge(rule, session)) })
  }
  const count = (verdict: Verdict['verdict']) => results.filter((result) => result.verdict === verdict).length
  return {
    url: target.url.origin + target.url.pathname,
    dialect: target.dialect,
    results,
    passed: count('pass'),
    failed: count('fail'),
    skipped: count('skip'),
    // Of an endpoint that has answered nobody it is not known what it lacks.
    ...(session.keys.size === 0 ? { weaker: [], noKey: first } : { weaker: weaknessesOf(session) }),
  }
}

async function judge(rule: Rule, session: Session): Promise<Verdict> {
  try {
    const note = await rule.run(session)
    return { verdict: 'pass', ...(note === undefined ? {} : { note }) }
  } catch (error) {
    if (error instanceof Skipped) return { verdict: 'skip', reason: error.message }
    if (error instanceof Unmet) return { verdict: 'fail', expected: error.expected, got: error.got }
    if (error instanceof NoAnswer) return { verdict: 'fail', expected: 'an answer', got: error.message }
    throw error
  }
}

/** What came is described, never quoted; should a header or a code have a key all the same, it goes no further. */
function withoutKeys(session: Session, verdict: Verdict): Verdict {
  if (verdict.verdict !== 'fail') return verdict
  let { got } = verdict
  for (const spelling of [...session.keys].flatMap(spellingsOf)) got = got.replaceAll(spelling, '[key]')
  return { ...verdict, got }
}
