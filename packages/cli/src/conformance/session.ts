import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { ContractError, type KeyAnswer } from '@y-sealed/key-client/contract'
import { describe, jsonOf } from './describe.ts'
import { type Capability, DIALECTS, type Dialect, membersOf, type Question } from './dialect.ts'
import { type Exchange, exchange, type RawRequest } from './exchange.ts'
import type { Headers, Target } from './target.ts'
import { Skipped, Unmet } from './verdict.ts'

/** So that a rate limit is waited for and no rule fails by it, and none of them can hold a run up for long. */
const MAX_RATE_WAITS = 3
const MAX_RATE_WAIT_MS = 5_000

export interface Asking {
  /** Default: the writer. */
  readonly as?: Headers
  /** Beside those of user and dialect. */
  readonly headers?: Headers
}

/** What a rule has to work with. */
export interface Session {
  readonly target: Target
  readonly dialect: Dialect
  /** What the endpoint knows beyond the plain contract; empty until it has been found out. */
  readonly knows: Set<Capability>
  /** Every key that was given in this run. */
  readonly keys: ReadonlySet<string>
  /** A document that no rule has used. @throws Skipped where there are no more of them */
  newDocument(suffix?: string): string
  /** Asks as the dialect does. */
  ask(question: Question, asking?: Asking): Promise<Exchange>
  /** The same, and the answer is a key. @throws Unmet if it is none */
  key(question: Question, asking?: Asking): Promise<KeyAnswer>
  /** A request as it stands, with the writer's headers unless `as` says otherwise. */
  send(request: Partial<RawRequest>, asking?: Asking): Promise<Exchange>
}

export function createSession(target: Target): Session {
  const dialect = DIALECTS[target.dialect]
  const keys = new Set<string>()
  const unused = [...(target.documents ?? [])]

  async function send(request: Partial<RawRequest>, { as = target.users.writer, headers = {} }: Asking = {}) {
    const whole = { method: 'POST', url: target.url, ...request, headers: { ...request.headers, ...as, ...headers } }
    let answer = await exchange(whole, target.timeoutMs)
    for (let waits = 0; answer.status === 429 && waits < MAX_RATE_WAITS; waits++) {
      await sleep(Math.min(Number(answer.headers['retry-after'] ?? 1) * 1000 || 1000, MAX_RATE_WAIT_MS))
      answer = await exchange(whole, target.timeoutMs)
    }
    for (const name of ['key', 'secret']) {
      const value = membersOf(jsonOf(answer.body))[name]
      if (typeof value === 'string' && value !== '') keys.add(value)
    }
    return answer
  }

  function ask(question: Question, asking: Asking = {}): Promise<Exchange> {
    // That dialect is a web page's: it is not spoken without an Origin.
    const origin = dialect.name === 'key-id' && target.origin !== undefined ? { origin: target.origin } : {}
    const { as = target.users.writer, headers = {} } = asking
    return send(dialect.request(target.url, question), { as, headers: { ...origin, ...headers } })
  }

  async function key(question: Question, asking?: Asking): Promise<KeyAnswer> {
    const answer = await ask(question, asking)
    if (answer.status !== 200) throw new Unmet('200 with a key', describe(answer))
    try {
      return dialect.parse(jsonOf(answer.body))
    } catch (error) {
      // Its message has parts, lengths and types only.
      if (error instanceof ContractError) throw new Unmet('an answer of the contract', error.message)
      throw error
    }
  }

  return {
    target,
    dialect,
    knows: new Set(),
    keys,
    ask,
    key,
    send,
    newDocument(suffix = '') {
      if (target.documents === undefined) return `${target.documentPrefix}${randomBytes(12).toString('hex')}${suffix}`
      const next = suffix === '' ? unused.shift() : undefined
      if (next === undefined)
        throw new Skipped(
          `it needs a document that no rule has used: --documents names ${target.documents.length} in all`,
        )
      return next
    },
  }
}
