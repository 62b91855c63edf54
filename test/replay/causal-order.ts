import type { Trace } from './trace.ts'

/** How much of every agent's chain something has seen: entry `b` counts the transactions of agent `b`. */
export type Seen = readonly number[]

export interface CausalOrder {
  /** The transaction indexes of each agent, in order. */
  readonly chains: readonly (readonly number[])[]
  /** For each transaction: what its parents together had seen. This is what its author's desk must hold, no more. */
  readonly before: readonly Seen[]
  /** For each transaction: whether some later one of another agent was typed with this as the newest it had of this agent. */
  readonly awaited: readonly boolean[]
}

/** Turns the graph of parents into counts, which works because each agent's transactions form a chain. */
export function causalOrder(trace: Trace): CausalOrder {
  const chains: number[][] = Array.from({ length: trace.agents }, () => [])
  const before: Seen[] = []
  const after: Seen[] = []
  const awaited = trace.transactions.map(() => false)
  trace.transactions.forEach(({ agent, parents }, index) => {
    const seen = Array.from({ length: trace.agents }, (_, other) =>
      Math.max(0, ...parents.map((parent) => at(at(after, parent), other))),
    )
    const chain = at(chains, agent)
    if (seen[agent] !== chain.length) throw new Error(`transaction ${index} does not follow its own agent's last one`)
    chain.push(index)
    before.push(seen)
    after.push(seen.map((count, other) => (other === agent ? count + 1 : count)))
    seen.forEach((count, other) => {
      if (other !== agent && count > 0) awaited[at(at(chains, other), count - 1)] = true
    })
  })
  return { chains, before, awaited }
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index]
  if (item === undefined) throw new RangeError(`the trace names ${index}, which it does not have yet`)
  return item
}
