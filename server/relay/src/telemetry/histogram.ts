/** Durations in buckets, as Prometheus counts them. */
export class Histogram {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0
  #count = 0

  /** Upper bounds of the buckets in seconds, rising. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = bounds.map(() => 0)
  }

  add(ms: number): void {
    const seconds = ms / 1_000
    this.#sum += seconds
    this.#count++
    const bucket = this.#bounds.findIndex((bound) => seconds <= bound)
    if (bucket >= 0) this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
  }

  /** Without HELP and TYPE; `labels` such as `op="read"`. */
  lines(name: string, labels = ''): string[] {
    const before = labels === '' ? '' : `${labels},`
    const own = labels === '' ? '' : `{${labels}}`
    let sum = 0
    const buckets = this.#bounds.map((bound, i) => {
      sum += this.#counts[i] ?? 0
      return `${name}_bucket{${before}le="${bound}"} ${sum}`
    })
    return [
      ...buckets,
      `${name}_bucket{${before}le="+Inf"} ${this.#count}`,
      `${name}_sum${own} ${this.#sum}`,
      `${name}_count${own} ${this.#count}`,
    ]
  }
}
