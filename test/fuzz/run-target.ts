import { setImmediate } from 'node:timers/promises'
import { collectGarbage } from '../support/collect-garbage.ts'
import { below, seededRandom } from '../support/random.ts'
import { corpusOf } from './corpus.ts'
import { mutate } from './mutate.ts'
import type { OpenTarget, Target } from './target.ts'
import type { Watchdog } from './watchdog.ts'

/** Garbage of this many bytes is tried as well: what no seed has in it. */
const MAX_GARBAGE_BYTES = 256

/** Whatever a stranger sends, a process does not grow by more: a thousand times the largest input. */
const MAX_GROWTH_BYTES = 1024 * 1024 * 1024
const LOOK_EVERY_CASES = 64

/** Findings print their input up to here; a larger one is made again from its seed. */
const MAX_PRINTED_BYTES = 2 * 1024

export interface RunOptions {
  readonly seed: string
  /** How many cases, beside the corpus. */
  readonly cases?: number
  /** Ends behind the case in which this moment passes (Unix ms). */
  readonly untilUnixMs?: number
  /** This case alone. */
  readonly only?: number
  readonly watchdog?: Watchdog
  /** Told of each case before it is tried: for a process that dies. */
  onCase?(number: number): void
}

export interface RunReport {
  readonly cases: number
  readonly kept: number
  /** How often each decision was met. */
  readonly decisions: Readonly<Record<string, number>>
}

/** A case that broke a promise, and how to see it again. */
export class Finding extends Error {
  override readonly name = 'Finding'
}

/** The input with this number; the seed alone fixes it. */
export function inputOf({ seeds, invent }: OpenTarget, name: string, seed: string, number: number): Uint8Array {
  const random = seededRandom(`${seed}/${name}/${number}`)
  const kind = below(random, 16)
  if (kind === 0) return Uint8Array.from({ length: below(random, MAX_GARBAGE_BYTES) }, () => below(random, 256))
  return (kind < 8 ? invent?.(random) : undefined) ?? mutate(random, seeds)
}

/** Tries the corpus, then case after case. Rejects with the first Finding. */
export async function runTarget(target: Target, options: RunOptions): Promise<RunReport> {
  const open = await target.open()
  const decisions: Record<string, number> = {}
  const unhandled: unknown[] = []
  const note = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', note)
  const startBytes = process.memoryUsage.rss()

  async function attempt(input: Uint8Array, where: string): Promise<void> {
    try {
      const decision = await open.check(input)
      decisions[decision] = (decisions[decision] ?? 0) + 1
      if (unhandled.length > 0) throw unhandled[0]
    } catch (error) {
      throw new Finding(`${target.name}: ${sentenceOf(error)}\n  ${where}\n  input: ${printed(input)}`, {
        cause: error,
      })
    }
  }

  async function attemptCase(number: number): Promise<void> {
    options.watchdog?.begins(target.name, number)
    options.onCase?.(number)
    const where = `again: npm run fuzz -- --target ${target.name} --seed ${options.seed} --case ${number}`
    await attempt(inputOf(open, target.name, options.seed, number), where)
    if (number % LOOK_EVERY_CASES !== 0) return
    if (process.memoryUsage.rss() - startBytes <= MAX_GROWTH_BYTES) return
    // What nobody holds any more has not grown: a closed database keeps its pages until its statements are collected.
    collectGarbage()
    await setImmediate()
    const grownBytes = process.memoryUsage.rss() - startBytes
    if (grownBytes > MAX_GROWTH_BYTES) throw new Finding(`${target.name}: grew by ${grownBytes} bytes\n  ${where}`)
  }

  const kept = corpusOf(target.name)
  let cases = 0
  try {
    if (options.only === undefined) {
      for (const seed of open.seeds) await attempt(seed, 'a seed')
      for (const { name, input } of kept) {
        options.watchdog?.begins(target.name, 0)
        await attempt(input, `corpus/${target.name}/${name}.hex`)
      }
      const { cases: limit = Number.POSITIVE_INFINITY, untilUnixMs = Number.POSITIVE_INFINITY } = options
      for (; cases < limit && Date.now() < untilUnixMs; cases++) await attemptCase(cases)
    } else {
      await attemptCase(options.only)
      cases = 1
    }
    // What was rejected and forgotten is told of a turn later.
    await setImmediate()
    if (unhandled.length > 0)
      throw new Finding(`${target.name}: a rejection that nobody handles`, { cause: unhandled[0] })
  } finally {
    await open.close?.()
    process.off('unhandledRejection', note)
  }
  return { cases, kept: kept.length, decisions }
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

function printed(input: Uint8Array): string {
  const hex = Buffer.from(input.subarray(0, MAX_PRINTED_BYTES)).toString('hex')
  return `${input.length} bytes ${hex}${input.length > MAX_PRINTED_BYTES ? '…' : ''}`
}
