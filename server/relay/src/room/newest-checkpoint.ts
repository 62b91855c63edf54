import type { Place } from '@y-sealed/protocol'

/** The newest checkpoint that a session has not been told of; it hears of it once it has what that covers. */
export class NewestCheckpoint {
  #waiting: { epochIndex: number; place: Place } | undefined

  /** Takes the place of one that still waits: that is not the newest any more. */
  owe(place: Place, epochIndex: number): void {
    this.#waiting = { place, epochIndex }
  }

  /** The one that is due for a session that has come to this epoch and through this sequence; undefined: none. */
  due(epochIndex: number, through: number): Place | undefined {
    const waiting = this.#waiting
    if (!waiting || waiting.epochIndex > epochIndex) return undefined
    const isOver = waiting.epochIndex < epochIndex
    if (!isOver && waiting.place.sequence > through) return undefined
    this.#waiting = undefined
    return isOver ? undefined : waiting.place
  }
}
