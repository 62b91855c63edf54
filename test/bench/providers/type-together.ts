import type { RealProvider } from './real-provider.ts'

export interface TypeTogetherInput {
  readonly keystrokesPerWriter: number
  /** How far a writer may be ahead of the slowest of the others. */
  readonly keystrokesInFlightPerWriter: number
}

export interface TypeTogetherResult {
  readonly typed: number
  readonly delivered: number
  readonly elapsedMs: number
}

// Nothing for so long means that something was lost.
const PATIENCE_MS = 30_000

/** All providers type into one text as fast as everybody has everything. Resolves when all have the whole text. */
export async function typeTogether(
  providers: readonly RealProvider[],
  { keystrokesPerWriter, keystrokesInFlightPerWriter }: TypeTogetherInput,
): Promise<TypeTogetherResult> {
  const texts = providers.map(({ doc }) => doc.getText('text'))
  const before = Math.max(...texts.map((text) => text.length))
  const startMs = performance.now()
  let typed = 0
  const slowest = (): number => Math.min(...texts.map((text) => text.length)) - before
  const mayType = (): boolean => typed - slowest() < keystrokesInFlightPerWriter * texts.length
  const wanted = keystrokesPerWriter * texts.length
  let deadlineMs = startMs + PATIENCE_MS
  let last = 0
  while (slowest() < wanted) {
    while (typed < wanted && mayType()) {
      const text = texts[typed % texts.length]
      text?.insert(text.length, 'k')
      typed++
    }
    await new Promise((resolve) => setImmediate(resolve))
    if (slowest() > last) {
      last = slowest()
      deadlineMs = performance.now() + PATIENCE_MS
    }
    if (performance.now() > deadlineMs) throw new Error(`${wanted - slowest()} of ${wanted} keystrokes were lost`)
  }
  return { typed, delivered: typed * (texts.length - 1), elapsedMs: performance.now() - startMs }
}
