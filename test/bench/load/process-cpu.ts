import { readdirSync, readFileSync } from 'node:fs'

// Linux counts in hundredths of a second (USER_HZ) on every architecture that Node runs on.
const TICKS_PER_SECOND = 100

interface Stat {
  readonly parent: number
  readonly seconds: number
}

/** CPU seconds of a process and those that it has started, ended ones among them; NaN where the system does not tell. */
export function cpuSecondsBelow(processId: number): number {
  const own = statOf(processId, 'with those that have ended')
  if (!own) return Number.NaN
  let seconds = own.seconds
  for (const name of readdirSync('/proc')) {
    const child = /^\d+$/.test(name) ? statOf(Number(name), 'alone') : undefined
    if (child?.parent === processId) seconds += child.seconds
  }
  return seconds
}

function statOf(processId: number, which: 'alone' | 'with those that have ended'): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${processId}/stat`, 'utf8')
    // Behind the name, which may have anything in it.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    const [parent = 0, user = 0, system = 0, endedUser = 0, endedSystem = 0] = [1, 11, 12, 13, 14].map((i) => fields[i])
    const ended = which === 'alone' ? 0 : endedUser + endedSystem
    return { parent, seconds: (user + system + ended) / TICKS_PER_SECOND }
  } catch {
    return undefined
  }
}
