import type { Word } from './word.ts'

export interface LogReport {
  /** Acked, and not in the log. */
  readonly lost: number
  /** In the log more often than its member can have sent it. */
  readonly doubled: number
  /**
   * In the log once more, since a connection ended before the ack, and its member sent it again. Nobody can know better: a commit
   * may outlive its relay. A document takes it once (protocol §7).
   */
  readonly repeated: number
}

/** Who types, as far as the log is compared with it. */
export interface Typist {
  readonly id: number
  /** The number of the last word of which it was told that it is saved; all before it are, too. */
  readonly acked: number
  timesInDoubt(number: number): number
}

/** What the log of a room has, beside what its members were told. */
export function compareLog(words: readonly Word[], members: readonly Typist[]): LogReport {
  const report = { lost: 0, doubled: 0, repeated: 0 }
  for (const member of members) {
    const times = new Map<number, number>()
    for (const word of words) if (word.member === member.id) times.set(word.number, (times.get(word.number) ?? 0) + 1)
    for (let number = 1; number <= member.acked; number++) if (!times.has(number)) report.lost++
    for (const [number, found] of times) {
      const repeated = Math.min(found - 1, member.timesInDoubt(number))
      report.repeated += repeated
      report.doubled += found - 1 - repeated
    }
  }
  return report
}

export function sumOf(reports: readonly LogReport[]): LogReport {
  const sum = (of: (report: LogReport) => number) => reports.reduce((all, report) => all + of(report), 0)
  return {
    lost: sum(({ lost }) => lost),
    doubled: sum(({ doubled }) => doubled),
    repeated: sum(({ repeated }) => repeated),
  }
}
