import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'

export interface FuzzArguments {
  readonly minutes: number
  /** Undefined: all. */
  readonly target: string | undefined
  readonly seed: string
  /** This many cases of each target instead of as many as fit into the minutes. */
  readonly cases: number | undefined
  /** One case of one target. */
  readonly only: number | undefined
  /** Name each case before it is tried. */
  readonly trace: boolean
}

export const USAGE =
  'npm run fuzz [-- [--minutes N] [--target NAME] [--seed SEED] [--cases N] [--trace]]\n' +
  'npm run fuzz -- --target NAME --seed SEED --case NUMBER'

/** Throws a TypeError for what it does not know. */
export function parseArguments(args: readonly string[]): FuzzArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '10' },
      target: { type: 'string' },
      seed: { type: 'string' },
      cases: { type: 'string' },
      case: { type: 'string' },
      trace: { type: 'boolean', default: false },
    },
  })
  const minutes = Number(values.minutes)
  if (!(minutes > 0)) throw new TypeError('--minutes is a number above 0')
  const only = wholeNumber('--case', values.case)
  if (only !== undefined && (values.target === undefined || values.seed === undefined)) {
    throw new TypeError('--case needs --target and --seed')
  }
  return {
    minutes,
    target: values.target,
    // Another one each time; it is printed.
    seed: values.seed ?? randomBytes(4).toString('hex'),
    cases: wholeNumber('--cases', values.cases),
    only,
    trace: values.trace,
  }
}

function wholeNumber(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  if (!/^\d{1,9}$/.test(value)) throw new TypeError(`${name} is a whole number`)
  return Number(value)
}
