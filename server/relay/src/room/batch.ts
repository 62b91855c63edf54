import type { StoredRun } from '../log/log-store.ts'
import { entriesFrame } from './down.ts'
import { type SharedFrame, shareFrame } from './shared-frame.ts'

// Runs are put into one message up to this size: beyond, a message more costs nothing beside its bytes.
const MERGE_BYTES = 256 * 1024

/** A message of consecutive runs, the first of which has the sequence `first`. */
export interface Part {
  first: number
  entries: number
  frame: SharedFrame
}

/** The runs that one turn has added to a room, consecutive, and the messages that its sessions get of them. */
export class Batch {
  readonly #runs: StoredRun[] = []
  #parts: Part[] | undefined

  get first(): number | undefined {
    return this.#runs[0]?.first
  }

  get last(): number | undefined {
    const run = this.#runs.at(-1)
    return run && run.first + run.count - 1
  }

  add(runs: readonly StoredRun[]): void {
    this.#runs.push(...runs)
    this.#parts = undefined
  }

  /** All of it: what sessions get that have appended none of these runs. */
  parts(): Part[] {
    this.#parts ??= groupRuns(this.#runs).map(partOf)
    return this.#parts
  }

  /** What a session gets that has appended some of them: what lies between, which hardly anybody else gets. */
  partsWhere(isWanted: (run: StoredRun) => boolean): Part[] {
    return groupRuns(this.#runs.filter(isWanted)).map((runs) => ({
      ...placeOf(runs),
      frame: (channel) => entriesFrame(channel, runs),
    }))
  }
}

/** Runs as they may share a message: consecutive, of one epoch (H starts anew with each), and not too large. */
export function groupRuns(runs: readonly StoredRun[]): StoredRun[][] {
  const groups: StoredRun[][] = []
  let groupBytes = 0
  for (const run of runs) {
    const group = groups.at(-1)
    const last = group?.at(-1)
    const follows = last?.epochIndex === run.epochIndex && last.first + last.count === run.first
    groupBytes += run.body.length
    if (group && follows && groupBytes <= MERGE_BYTES) {
      group.push(run)
    } else {
      groups.push([run])
      groupBytes = run.body.length
    }
  }
  return groups
}

/** The message of a group. */
export function partOf(runs: StoredRun[]): Part {
  return { ...placeOf(runs), frame: shareFrame((channel) => entriesFrame(channel, runs)) }
}

function placeOf(runs: readonly StoredRun[]): Omit<Part, 'frame'> {
  return { first: runs[0]?.first ?? 0, entries: runs.reduce((sum, { count }) => sum + count, 0) }
}
