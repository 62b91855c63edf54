import type { SealedProvider } from 'y-sealed'
import type * as Y from 'yjs'
import type { Place } from './places.ts'

export interface PastReaderPorts {
  readonly source: Pick<SealedProvider, 'openEpoch'>
  /** Whoever is handed the Y.Doc destroys it. */
  opened(doc: Y.Doc, place: Place): void
  failed(error: unknown, place: Place): void
}

export interface PastReader {
  want(place: Place): void
  /** Nothing is wanted any more: what is on its way will be dropped. */
  stop(): void
}

/** Opens the newest wanted place, one at a time: a slider asks for hundreds on its way, and only the one where it rests is looked at. */
export function createPastReader({ source, opened, failed }: PastReaderPorts): PastReader {
  let wanted: Place | undefined
  let isOpening = false

  // A source that throws at once is a source that rejects.
  const open = async ({ epochIndex, at }: Place) => source.openEpoch(epochIndex, at)

  const openNewest = async () => {
    isOpening = true
    while (wanted !== undefined) {
      const place: Place = wanted
      const [answer] = await Promise.allSettled([open(place)])
      if (place !== wanted) {
        if (answer.status === 'fulfilled') answer.value.destroy()
        continue
      }
      wanted = undefined
      if (answer.status === 'fulfilled') opened(answer.value, place)
      else failed(answer.reason, place)
    }
    isOpening = false
  }

  return {
    want(place) {
      wanted = place
      if (!isOpening) void openNewest()
    },
    stop() {
      wanted = undefined
    },
  }
}
