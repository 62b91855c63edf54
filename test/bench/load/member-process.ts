import { setTimeout as after } from 'node:timers/promises'
import { answerCalls } from '../processes/answer-calls.ts'
import { compareLog, type LogReport, sumOf } from './compare-log.ts'
import { Latencies, type LatencySample } from './latencies.ts'
import { LoadMember, wordsOf } from './member.ts'
import { nowMs } from './word.ts'

export interface ConnectMembers {
  readonly urls: readonly string[]
  readonly rooms: readonly string[]
  readonly membersPerRoom: number
  readonly firstMember: number
}

export interface MembersReport {
  readonly typed: number
  readonly acked: number
  readonly ackMs: Record<string, LatencySample>
  readonly deliveryMs: Record<string, LatencySample>
  /** When each member that was cut off was, and when it had an ack again. */
  readonly recoveries: readonly { lostAtMs: number; backAtMs: number }[]
  readonly cpuSeconds: number
}

// A tick that a timer of Node's can keep; each member has its own place in the second.
const TICK_MS = 5
// Sockets that are opened at once.
const OPENED_AT_ONCE = 50
// What is on its way when typing ends arrives in milliseconds; a relay that has just come back needs seconds.
const SETTLE_MS = 20_000

let members: LoadMember[] = []
let roomsOf: readonly string[] = []
let url = ''
let phase = 'before'
let isTyping = false
const ackMs = new Latencies()
const deliveryMs = new Latencies()
const recoveries: { lostAtMs: number; backAtMs: number }[] = []

// Members of many rooms, who type at an even pace.
answerCalls({
  async connect({ urls, rooms, membersPerRoom, firstMember }: ConnectMembers): Promise<void> {
    roomsOf = rooms
    url = urls[0] ?? ''
    members = rooms.flatMap((room, i) =>
      Array.from({ length: membersPerRoom }, (_, k) => {
        // Those of one room at all nodes: what one of them types has to cross.
        const member = firstMember + i * membersPerRoom + k
        return new LoadMember({
          ...{ member, room, urls, place: member },
          onAcked: ({ typedAtMs }) => ackMs.add(phase, nowMs() - typedAtMs),
          onDelivered: ({ typedAtMs }) => deliveryMs.add(phase, nowMs() - typedAtMs),
          onRecovered: (lostAtMs) => void recoveries.push({ lostAtMs, backAtMs: nowMs() }),
        })
      }),
    )
    const firsts = members.filter((_, i) => i % membersPerRoom === 0)
    const rest = members.filter((_, i) => i % membersPerRoom !== 0)
    for (const some of [firsts, rest]) {
      for (let at = 0; at < some.length; at += OPENED_AT_ONCE) {
        await Promise.all(some.slice(at, at + OPENED_AT_ONCE).map((member) => member.connect()))
      }
    }
  },
  connected: () => members.filter((member) => member.isConnected).length,
  phase(name: string): void {
    phase = name
  },
  begin(keystrokesPerSecond: number): void {
    isTyping = true
    void type(1_000 / keystrokesPerSecond)
  },
  /** Stops, and waits until all is acked. */
  async stop(): Promise<void> {
    isTyping = false
    const limitMs = performance.now() + SETTLE_MS
    while (members.some(({ typed, acked }) => acked < typed) && performance.now() < limitMs) await after(TICK_MS)
  },
  report(): MembersReport {
    const { user, system } = process.cpuUsage()
    const sum = (of: (member: LoadMember) => number) => members.reduce((all, member) => all + of(member), 0)
    return {
      typed: sum(({ typed }) => typed),
      acked: sum(({ acked }) => acked),
      ackMs: ackMs.samples(),
      deliveryMs: deliveryMs.samples(),
      recoveries,
      cpuSeconds: (user + system) / 1e6,
    }
  },
  /** Reads the logs of all rooms at one node, and compares. */
  async verify(): Promise<LogReport> {
    const perRoom = members.length / Math.max(1, roomsOf.length)
    const reports: LogReport[] = []
    for (const [i, room] of roomsOf.entries())
      reports.push(compareLog(await wordsOf(url, room), members.slice(i * perRoom, (i + 1) * perRoom)))
    return sumOf(reports)
  },
})

async function type(everyMs: number): Promise<void> {
  const due = members.map((_, i) => nowMs() + (everyMs * i) / members.length)
  while (isTyping) {
    const now = nowMs()
    for (const [i, member] of members.entries()) {
      if ((due[i] ?? 0) > now) continue
      due[i] = (due[i] ?? now) + everyMs
      member.type()
    }
    await after(TICK_MS)
  }
}
