import { parseArgs } from 'node:util'
import { soak } from './soak.ts'

// A heap breathes between two collections by some tenths; what leaks at this rate is more after ten minutes.
const MAX_RATIO = 1.25
const ROOMS = 20

/** Resolves with the exit code: 1 where memory has grown. */
export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { minutes: { type: 'string', default: '10' } } })
  const seconds = Number(values.minutes) * 60
  if (!(seconds > 0)) throw new TypeError('--minutes is a number above 0')
  const report = await soak({
    seconds,
    rooms: ROOMS,
    onSample: (bytes, at) => at % 30 === 0 && console.log(`${String(at).padStart(5)} s  ${megabytes(bytes)} MB`),
  })
  const ratio = report.lateBytes / report.earlyBytes
  console.log(`${report.appends} appends, ${report.joins} joins, ${report.rotations} rotations, none refused`)
  console.log(
    `resident memory: ${megabytes(report.earlyBytes)} MB in the second quarter, ${megabytes(report.lateBytes)} MB in the last: ${ratio.toFixed(2)} times, at most ${MAX_RATIO}`,
  )
  return ratio <= MAX_RATIO ? 0 : 1
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}
