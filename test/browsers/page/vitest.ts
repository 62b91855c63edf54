import {
  ASYMMETRIC_MATCHERS_OBJECT,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
} from '@vitest/expect'
import * as chai from 'chai'

// Stands for vitest in a page that vitest does not drive: its own `expect`, and what our tests use of the rest.

chai.use(JestExtend)
chai.use(JestChaiExpect)
chai.use(JestAsymmetricMatchers)
export const expect = ((value: unknown, message?: string) =>
  chai.expect(value, message)) as unknown as typeof import('vitest')['expect']
Object.assign(expect, chai.expect, Reflect.get(globalThis, ASYMMETRIC_MATCHERS_OBJECT))
setState({ assertionCalls: 0 }, expect)

type Act = (...values: unknown[]) => unknown
const tests: { title: string; act: () => unknown }[] = []
const skipped: string[] = []
let path: string[] = []

function add(title: string, ...rest: unknown[]): void {
  const act = rest.find((value) => typeof value === 'function') as Act
  tests.push({ title: [...path, title].join(' > '), act })
}
function group(title: string, ...rest: unknown[]): void {
  const act = rest.find((value) => typeof value === 'function') as Act
  path.push(title)
  act()
  path = path.slice(0, -1)
}
const skip = (title: string): void => void skipped.push([...path, title].join(' > '))

/** One for each value; what a browser does not have, such as Node's engine, is undefined and left out. */
const each =
  (make: (title: string, act: Act) => void) =>
  (values: readonly unknown[]) =>
  (title: string, ...rest: unknown[]) => {
    const act = rest.find((value) => typeof value === 'function') as Act
    for (const value of values.filter((value) => value !== undefined)) {
      const named = title.replace(/\$(\w+)/g, (_, name: string) => String((value as Record<string, unknown>)[name]))
      make(named, () => (Array.isArray(value) ? act(...value) : act(value)))
    }
  }

export const it = Object.assign(add, { each: each(add), skipIf: (is: unknown) => (is ? skip : add) })
export const test = it
export const describe = Object.assign(group, { each: each(group) })

export interface Outcome {
  passed: string[]
  failed: string[]
  skipped: string[]
}

export async function runAll(): Promise<Outcome> {
  const outcome: Outcome = { passed: [], failed: [], skipped }
  for (const { title, act } of tests) {
    try {
      await act()
      outcome.passed.push(title)
    } catch (error) {
      outcome.failed.push(`${title}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return outcome
}
