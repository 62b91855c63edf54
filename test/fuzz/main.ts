import { ALL_TARGETS } from './all-targets.ts'
import { type FuzzArguments, parseArguments, USAGE } from './arguments.ts'
import { Finding, type RunReport, runTarget } from './run-target.ts'
import type { Target } from './target.ts'
import { Watchdog } from './watchdog.ts'

/** Runs what the arguments ask for and resolves with the exit code: 1 if a promise was broken, 2 for arguments that mean nothing. */
export async function main(args: readonly string[]): Promise<number> {
  let asked: FuzzArguments
  try {
    asked = parseArguments(args)
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`)
    return 2
  }
  const targets = ALL_TARGETS.filter(({ name }) => asked.target === undefined || name === asked.target)
  if (targets.length === 0) {
    console.error(`--target is one of ${ALL_TARGETS.map(({ name }) => name).join(', ')}`)
    return 2
  }
  console.log(`seed ${asked.seed}`)
  const watchdog = new Watchdog(
    targets.map(({ name }) => name),
    asked.seed,
  )
  let findings = 0
  let cases = 0
  const endUnixMs = Date.now() + asked.minutes * 60_000
  for (const [i, target] of targets.entries()) {
    // What one leaves of its share is the next ones'.
    const untilUnixMs = Date.now() + (endUnixMs - Date.now()) / (targets.length - i)
    try {
      const report = await run(target, asked, untilUnixMs, watchdog)
      cases += report.cases
      console.log(`${target.name.padEnd(16)} ${describe(report)}`)
    } catch (error) {
      findings++
      console.log(error instanceof Finding ? `FOUND ${error.message}` : `FAILED ${target.name}`)
      if (error instanceof Error) console.log(error.cause ?? error)
    }
  }
  await watchdog.stop()
  console.log(`${cases.toLocaleString('en')} cases, ${findings} of ${targets.length} targets with a finding`)
  return findings === 0 ? 0 : 1
}

function run(target: Target, asked: FuzzArguments, untilUnixMs: number, watchdog: Watchdog): Promise<RunReport> {
  const { seed, cases, only, trace } = asked
  return runTarget(target, {
    seed,
    watchdog,
    ...(cases === undefined ? { untilUnixMs } : { cases }),
    ...(only === undefined ? {} : { only }),
    ...(trace ? { onCase: (number: number) => console.log(`${target.name} --case ${number}`) } : {}),
  })
}

export function describe({ cases, kept, decisions }: RunReport): string {
  const counts = Object.entries(decisions)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([decision, count]) => `${decision} ${count.toLocaleString('en')}`)
  return `${cases.toLocaleString('en')} cases, ${kept} kept: ${counts.join(', ')}`
}
