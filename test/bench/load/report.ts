import type { LoadArguments } from './arguments.ts'
import type { LogReport } from './compare-log.ts'
import type { LatencySummary } from './latencies.ts'

export interface PhaseFigures {
  readonly name: string
  /** From a keystroke to its ack, and to each other member. */
  readonly ack: LatencySummary
  readonly delivery: LatencySummary
}

export interface LoadFigures extends LogReport {
  readonly options: LoadArguments
  readonly connected: number
  readonly steadySeconds: number
  readonly typed: number
  readonly acked: number
  readonly phases: readonly PhaseFigures[]
  /** Shares of one core while nothing was hit; NaN: there is none. */
  readonly nodeCpu: readonly number[]
  readonly clientCpu: number
  readonly postgresCpu: number
  readonly redisCpu: number
  /** Resident bytes of each node. */
  readonly memory: readonly number[]
  /** Members that were cut off by the kill, and ms from it until the last of them had an ack again. */
  readonly cutOff: number
  readonly nodeBackMs: number
  /** ms from the start of another Redis until all nodes had it. */
  readonly busBackMs: number | undefined
}

export function describeLoad(figures: LoadFigures): string {
  const { options, phases, steadySeconds, nodeCpu, memory, busBackMs } = figures
  const [steady] = phases
  const perSecond = (count = 0) => Math.round(count / steadySeconds)
  const percent = (share: number) => `${Math.round(share * 100)} %`
  const store = options.onPostgres ? 'PostgreSQL and Redis' : 'SQLite'
  const servers = options.onPostgres
    ? `, PostgreSQL ${percent(figures.postgresCpu)}, Redis ${percent(figures.redisCpu)}`
    : ''
  return [
    `${options.nodes} ${options.nodes === 1 ? 'node' : 'nodes'} on ${store}; ${options.rooms} rooms of ${options.membersPerRoom}, each member ${options.keystrokesPerSecond} keystrokes a second, ${options.seconds} s`,
    `connections held      ${figures.connected}`,
    `appends/s             ${perSecond(steady?.ack.count)}, deliveries/s ${perSecond(steady?.delivery.count)}`,
    ...phases.filter(({ ack }) => ack.count > 0).map(describePhase),
    `CPU of one core       relays ${nodeCpu.map(percent).join(' ')}${servers}, load clients ${percent(figures.clientCpu)}`,
    `memory                ${memory.map((bytes) => `${Math.round(bytes / 1024 ** 2)} MiB`).join(', ')}`,
    `time to recover       ${Math.round(figures.nodeBackMs)} ms after the kill for ${figures.cutOff} members${busBackMs === undefined ? '' : `, ${Math.round(busBackMs)} ms for the bus`}`,
    `acked edits lost      ${figures.lost} of ${figures.acked} (typed ${figures.typed}; in the log more often than sent: ${figures.doubled}; sent again after a cut, and there twice: ${figures.repeated})`,
  ].join('\n')
}

function describePhase({ name, ack, delivery }: PhaseFigures): string {
  const three = ({ p50Ms, p99Ms, maxMs }: LatencySummary) =>
    `p50 ${p50Ms.toFixed(1)} p99 ${p99Ms.toFixed(1)} max ${maxMs.toFixed(0)} ms`
  return `${name.padEnd(21)} ack ${three(ack)}; delivery ${three(delivery)}`
}
