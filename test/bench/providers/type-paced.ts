import { setTimeout as after } from 'node:timers/promises'
import type * as Y from 'yjs'

export interface TypePacedInput {
  readonly keystrokes: number
  readonly everyMs: number
}

/** Types at an even pace at the end of a text. Resolves with the time of each keystroke, on the clock that all processes of a machine share. */
export async function typePaced(text: Y.Text, { keystrokes, everyMs }: TypePacedInput): Promise<number[]> {
  const typedAtMs: number[] = []
  const startMs = performance.now()
  for (let k = 0; k < keystrokes; k++) {
    await after(Math.max(0, startMs + k * everyMs - performance.now()))
    typedAtMs.push(Number(process.hrtime.bigint()) / 1e6)
    text.insert(text.length, 'k')
  }
  return typedAtMs
}
