import { formatSigned } from '../report/cells.ts'
import type { Goal, Medians } from './row.ts'

const OURS = 'y-sealed'
const PLAINTEXT_PEERS = ['y-websocket', 'hocuspocus']

/** The better of the two plaintext servers, where at least one was measured. */
function better(medians: Medians, key: string, best: (...values: number[]) => number): number | undefined {
  const values = PLAINTEXT_PEERS.map((peer) => medians[peer]?.[key]).filter((value) => value !== undefined)
  return values.length === 0 ? undefined : best(...values)
}

/** Ours is at most `factor` times the smaller of the two plaintext servers'. */
export function atMostOfBetter(key: string, label: string, factor: number): Goal {
  return ratioGoal(`${label} ≤ ${factor} × the better of the two`, (medians) => {
    const ratio = divide(medians[OURS]?.[key], better(medians, key, Math.min))
    return ratio === undefined ? undefined : { ratio, isReached: ratio <= factor }
  })
}

/** Ours is at least `factor` times the larger of the two. */
export function atLeastOfBetter(key: string, label: string, factor: number): Goal {
  return ratioGoal(`${label} ≥ ${factor} × the better of the two`, (medians) => {
    const ratio = divide(medians[OURS]?.[key], better(medians, key, Math.max))
    return ratio === undefined ? undefined : { ratio, isReached: ratio >= factor }
  })
}

/** Ours is at most `factor` times y-websocket's. */
export function atMostOfYWebsocket(key: string, label: string, factor: number): Goal {
  return ratioGoal(`${label} ≤ ${factor} × y-websocket`, (medians) => {
    const ratio = divide(medians[OURS]?.[key], medians['y-websocket']?.[key])
    return ratio === undefined ? undefined : { ratio, isReached: ratio <= factor }
  })
}

/** Ours is at most so much more than y-websocket's. */
export function atMostAboveYWebsocket(key: string, label: string, more: number, unit: string): Goal {
  return {
    text: `${label} ≤ y-websocket + ${more} ${unit}`,
    judge(medians) {
      const [ours, theirs] = [medians[OURS]?.[key], medians['y-websocket']?.[key]]
      if (ours === undefined || theirs === undefined) return undefined
      const difference = ours - theirs
      return { isReached: difference <= more, measured: `${formatSigned(difference, 2)} ${unit}` }
    },
  }
}

/** One subject's figure is at most so much. */
export function atMost(subject: string, key: string, label: string, limit: number, unit: string): Goal {
  return {
    text: `${label} ≤ ${limit}${unit === '' ? '' : ` ${unit}`}`,
    judge(medians) {
      const value = medians[subject]?.[key]
      if (value === undefined) return undefined
      const shown = Number.isInteger(value) ? String(value) : value.toFixed(2)
      return { isReached: value <= limit, measured: unit === '' ? shown : `${shown} ${unit}` }
    },
  }
}

/** A ratio between two subjects of one row. */
export function atMostOfSubject(subject: string, other: string, key: string, label: string, factor: number): Goal {
  return ratioGoal(`${label} ≤ ${factor} × ${other}`, (medians) => {
    const ratio = divide(medians[subject]?.[key], medians[other]?.[key])
    return ratio === undefined ? undefined : { ratio, isReached: ratio <= factor }
  })
}

function ratioGoal(
  text: string,
  compare: (medians: Medians) => { ratio: number; isReached: boolean } | undefined,
): Goal {
  return {
    text,
    judge(medians) {
      const compared = compare(medians)
      if (compared === undefined) return undefined
      return { isReached: compared.isReached, measured: `${compared.ratio.toFixed(2)} ×` }
    },
  }
}

function divide(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a / b
}
