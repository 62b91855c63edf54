import { describe, describeKey, jsonOf } from './describe.ts'
import { membersOf } from './dialect.ts'
import type { Exchange } from './exchange.ts'
import { Unmet } from './verdict.ts'

/** @throws Unmet unless the answer has one of these statuses, and nothing of a key in it */
export function expectRefused(answer: Exchange, statuses: readonly number[], what: string): void {
  if (statuses.includes(answer.status) && !hasKey(answer)) return
  throw new Unmet(`${statuses.join(' or ')} without a key for ${what}`, describe(answer))
}

/** @throws Unmet unless the answer is of 4xx, and nothing of a key in it */
export function expectAnyRefusal(answer: Exchange, what: string): void {
  if (answer.status >= 400 && answer.status < 500 && !hasKey(answer)) return
  throw new Unmet(`4xx without a key for ${what}`, describe(answer))
}

/** @throws Unmet unless both are one key, byte for byte */
export function expectSameKey(first: string, second: string, what: string): void {
  if (first !== second) throw new Unmet(`${describeKey(first)} ${what}`, describeKey(second))
}

export function hasKey({ body }: Exchange): boolean {
  const members = membersOf(jsonOf(body))
  return ['key', 'keyHint', 'secret', 'keyId'].some((name) => typeof members[name] === 'string')
}
