import type { EpochInfo } from 'y-sealed'

/** A state of the document: epoch `epochIndex` with everything through sequence `at`. */
export interface Place {
  readonly epochIndex: number
  readonly at: number
}

/** The slider's ends. `first` is the state before the first entry that is still there. */
export interface Span {
  readonly first: number
  readonly last: number
}

export function spanOf(epochs: readonly EpochInfo[]): Span | undefined {
  const [oldest, newest] = [epochs.at(0), epochs.at(-1)]
  return oldest && newest && { first: oldest.from - 1, last: newest.to }
}

export const entriesIn = ({ from, to }: EpochInfo): number => to - from + 1

/**
 * Where the state through `sequence` can be read. An epoch begins with what the one before ended with: the end of a locked
 * epoch is readable as the beginning of the next. What the relay does not keep any more is passed over to the beginning of what it keeps.
 */
export function placeAt(
  epochs: readonly EpochInfo[],
  sequence: number,
  isLocked: (epochIndex: number) => boolean,
): Place | undefined {
  const holding = epochs.filter(({ from, to }) => from - 1 <= sequence && sequence <= to)
  const epoch = holding.find(({ index }) => !isLocked(index)) ?? holding[0]
  if (epoch !== undefined) return { epochIndex: epoch.index, at: sequence }
  const [oldest] = epochs
  const later = epochs.find(({ from }) => from - 1 > sequence)
  if (oldest === undefined || later === undefined || later === oldest) return undefined
  return { epochIndex: later.index, at: later.from - 1 }
}
