import type { EpochInfo, SealedProvider } from 'y-sealed'
import type * as Y from 'yjs'
import { say } from '../messages/words.ts'
import { codeOf, failureText, isLockingCode } from './history-words.ts'
import { createPastReader } from './past-reader.ts'
import { type Place, placeAt, spanOf } from './places.ts'

/** Where somebody is in the history. */
export type View =
  | { readonly is: 'now' }
  /** What was on view before still is. */
  | { readonly is: 'opening'; readonly place: Place }
  | { readonly is: 'shown'; readonly place: Place }
  | { readonly is: 'failed'; readonly place: Place; readonly reason: string }

export interface TimeTravelPorts {
  readonly source: Pick<SealedProvider, 'openEpoch'>
  isOnline(): boolean
  /** Takes the Y.Doc over. May throw: a member wrote what is in it. */
  show(doc: Y.Doc): void
  /** Nothing of the past is on view any more. */
  clear(): void
  changed(): void
}

export interface TimeTravel {
  readonly view: View
  readonly epochs: readonly EpochInfo[]
  isLocked(epochIndex: number): boolean
  adopt(epochs: readonly EpochInfo[]): void
  /** The newest sequence is now: the living document. */
  goTo(sequence: number): void
  goToNow(): void
  retry(): void
}

/** Moves through the states of a document, one step behind whoever asks: it knows what is wanted, what is on view, and why not. */
export function createTimeTravel(ports: TimeTravelPorts): TimeTravel {
  const lockedIndexes = new Set<number>()
  const isLocked = (epochIndex: number) => lockedIndexes.has(epochIndex)
  let epochs: readonly EpochInfo[] = []
  let view: View = { is: 'now' }

  const become = (next: View) => {
    view = next
    if (next.is === 'now' || next.is === 'failed') ports.clear()
    ports.changed()
  }
  const reader = createPastReader({
    source: ports.source,
    opened(doc, place) {
      lockedIndexes.delete(place.epochIndex)
      try {
        ports.show(doc)
      } catch {
        become({ is: 'failed', place, reason: say('history.failed.shape') })
        return
      }
      become({ is: 'shown', place })
    },
    failed(error, place) {
      if (isLockingCode(codeOf(error))) lockedIndexes.add(place.epochIndex)
      const elsewhere = placeAt(epochs, place.at, isLocked)
      if (elsewhere !== undefined && !isLocked(elsewhere.epochIndex) && elsewhere.epochIndex !== place.epochIndex) {
        open(elsewhere)
      } else become({ is: 'failed', place, reason: failureText(error, ports.isOnline()) })
    },
  })
  const open = (place: Place) => {
    if (ports.isOnline()) {
      reader.want(place)
      become({ is: 'opening', place })
    } else {
      // The answer would be long in coming.
      reader.stop()
      become({ is: 'failed', place, reason: failureText(undefined, false) })
    }
  }
  const goToNow = () => {
    reader.stop()
    become({ is: 'now' })
  }

  return {
    get view() {
      return view
    },
    get epochs() {
      return epochs
    },
    isLocked,
    adopt(found) {
      epochs = found
      for (const { index, locked } of found) {
        if (locked !== undefined) lockedIndexes.add(index)
        else lockedIndexes.delete(index)
      }
      ports.changed()
    },
    goTo(sequence) {
      const span = spanOf(epochs)
      if (span === undefined) return
      if (sequence >= span.last) {
        if (view.is !== 'now') goToNow()
        return
      }
      const place = placeAt(epochs, sequence, isLocked)
      const isThere = view.is !== 'now' && view.is !== 'failed' && view.place.at === place?.at
      if (place !== undefined && !isThere) open(place)
    },
    goToNow,
    retry() {
      if (view.is === 'failed') open(view.place)
    },
  }
}
