import { writeFileSync } from 'node:fs'
import { setTimeout as after } from 'node:timers/promises'
import { startClientProcess } from '../clients/start-clients.ts'
import { endChildrenWithUs, livingChildren } from '../processes/children.ts'
import { circumstances } from '../report/machine.ts'
import { describeMachine } from '../report/text.ts'
import { type LoadArguments, parseLoadArguments } from './arguments.ts'
import { type LogReport, sumOf } from './compare-log.ts'
import { summaryOf } from './latencies.ts'
import type { ConnectMembers, MembersReport } from './member-process.ts'
import { flagsFor, type Node, startDatabases, startNode, untilReady } from './nodes.ts'
import { cpuSecondsBelow } from './process-cpu.ts'
import { describeLoad, type LoadFigures, type PhaseFigures } from './report.ts'
import { nowMs } from './word.ts'

// Clients must not be what is measured: one process for each core.
const CLIENT_PROCESSES = 2

/** Shares of the run. The rest is what comes after the blows. */
const STEADY = 0.4
const NODE_AWAY = 0.2
const BUS_AWAY = 0.2

/** Runs the load and resolves with the exit code: 0 if no acked edit was lost and everything that was started has ended. */
export async function main(args: readonly string[]): Promise<number> {
  const options = parseLoadArguments(args)
  endChildrenWithUs()
  console.log(describeMachine(circumstances(process.execPath)))
  const figures = await run(options)
  console.log(describeLoad(figures))
  if (options.jsonPath !== undefined) writeFileSync(options.jsonPath, `${JSON.stringify(figures, null, 2)}\n`)
  const left = livingChildren()
  if (left.length > 0) console.error(`still running: ${left.join(', ')}`)
  return figures.lost === 0 && left.length === 0 ? 0 : 1
}

async function run(options: LoadArguments): Promise<LoadFigures> {
  const { nodes: count, rooms, membersPerRoom, keystrokesPerSecond, seconds, onPostgres } = options
  const databases = onPostgres ? await startDatabases() : undefined
  const flags = flagsFor(databases)
  const nodes: Node[] = []
  for (let node = 1; node <= count; node++) nodes.push(await startNode(`relay ${node}`, flags))
  const clients = Array.from({ length: CLIENT_PROCESSES }, () =>
    startClientProcess('load/member-process', process.execPath),
  )
  const all = <Result>(method: string, inputOf: (process: number) => unknown = () => undefined) =>
    Promise.all(clients.map(({ call }, i) => call<Result>(method, inputOf(i), (seconds + 120) * 1_000)))

  try {
    for (const { url } of nodes) await untilReady(url)
    const names = Array.from({ length: rooms }, (_, i) => `load ${i}`)
    await all('connect', (process): ConnectMembers => {
      const own = names.filter((_, i) => i % CLIENT_PROCESSES === process)
      const firstMember = process * rooms * membersPerRoom
      return { urls: nodes.map(({ url }) => url), rooms: own, membersPerRoom, firstMember }
    })
    const connected = sum(await all<number>('connected'))
    const phase = (name: string) => all('phase', () => name)

    await phase('steady')
    await all('begin', () => keystrokesPerSecond)
    const before = await cpuOf()
    const since = performance.now()
    await after(seconds * STEADY * 1_000)
    const steadySeconds = (performance.now() - since) / 1_000
    const cpu = cpuShares(before, await cpuOf(), steadySeconds)
    const memory = await Promise.all(nodes.map(async (node) => (await node.usage()).residentBytes))

    await phase('node away')
    const killed = nodes.at(-1)
    const killedAtMs = nowMs()
    await killed?.kill()
    await after((seconds * NODE_AWAY * 1_000) / 2)
    await killed?.restart()
    await after((seconds * NODE_AWAY * 1_000) / 2)

    let busBackMs: number | undefined
    if (databases) {
      await phase('bus away')
      await databases.killRedis()
      await after(seconds * BUS_AWAY * 1_000)
      await databases.startRedis()
      busBackMs = Math.max(...(await Promise.all(nodes.map(({ url }) => untilReady(url)))))
    }
    await phase('after')
    await after(seconds * (1 - STEADY - NODE_AWAY - BUS_AWAY) * 1_000)
    await all('stop')
    const reports = await all<MembersReport>('report')
    const logs = await all<LogReport>('verify')
    const recoveries = reports.flatMap((report) => report.recoveries)
    return {
      ...{ options, connected, steadySeconds, ...cpu, memory, busBackMs },
      typed: sum(reports.map(({ typed }) => typed)),
      acked: sum(reports.map(({ acked }) => acked)),
      ...sumOf(logs),
      phases: ['steady', 'node away', 'bus away', 'after'].map((name): PhaseFigures => {
        const of = (kind: 'ackMs' | 'deliveryMs') => summaryOf(reports.map((report) => report[kind][name]))
        return { name, ack: of('ackMs'), delivery: of('deliveryMs') }
      }),
      cutOff: recoveries.length,
      nodeBackMs: recoveries.reduce((most, { backAtMs }) => Math.max(most, backAtMs - killedAtMs), 0),
    }
  } finally {
    await Promise.all(clients.map((client) => client.end()))
    await Promise.all(nodes.map((node) => node.end()))
    await databases?.stop()
  }

  async function cpuOf(): Promise<Cpu> {
    return {
      nodes: await Promise.all(nodes.map(async (node) => (await node.usage()).cpuSeconds)),
      clients: (await all<MembersReport>('report')).map(({ cpuSeconds }) => cpuSeconds),
      postgres: databases ? cpuSecondsBelow(databases.postgres.processId) : Number.NaN,
      redis: databases ? cpuSecondsBelow(databases.redis.processId) : Number.NaN,
    }
  }
}

interface Cpu {
  readonly nodes: number[]
  readonly clients: number[]
  readonly postgres: number
  readonly redis: number
}

/** Of one core each. */
function cpuShares(before: Cpu, now: Cpu, seconds: number) {
  const share = (a: number, b: number) => (b - a) / seconds
  return {
    nodeCpu: now.nodes.map((at, i) => share(before.nodes[i] ?? 0, at)),
    clientCpu: sum(now.clients.map((at, i) => share(before.clients[i] ?? 0, at))),
    postgresCpu: share(before.postgres, now.postgres),
    redisCpu: share(before.redis, now.redis),
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0)
}
