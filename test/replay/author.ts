import type * as Y from 'yjs'
import { patiently } from '../support/events.ts'
import { type CausalOrder, causalOrder } from './causal-order.ts'
import { Desk, type Typed } from './desk.ts'
import { applyPatches, isAstral } from './patches.ts'
import type { Trace } from './trace.ts'

export interface Author {
  readonly doc: Y.Doc
  readonly provider: Provider
  /** Asked after each edit: what the next one waits for, if anything. */
  rest?(): Promise<void> | undefined
}

/** What typing needs of a provider. */
interface Provider {
  /** Resolves when everything typed so far is durable. */
  flush(): Promise<void>
}

/** An author pauses for the ack after so many edits, so that no replay outruns its relay without bound. */
const EDITS_PER_FLUSH = 1_000

/** A merge waits for a round trip through the relay; half a minute of nothing means that something was lost. */
const MERGE_PATIENCE_MS = 30_000

/** Types a trace of one author straight into the provider's document. Resolves when all of it is durable. */
export async function typeSequential(trace: Trace, author: Author): Promise<void> {
  const text = author.doc.getText('text')
  const astral = isAstral(trace)
  if (trace.startContent !== '') text.insert(0, trace.startContent)
  for (const [index, { patches }] of trace.transactions.entries()) {
    author.doc.transact(() => applyPatches(text, patches, astral))
    await pause(author, index + 1)
  }
  await author.provider.flush()
}

/**
 * Types a trace of several authors, all at once, each at a desk of their own. Resolves with the desks when all of it is
 * durable and has reached every desk.
 */
export async function typeConcurrent(trace: Trace, authors: readonly Author[]): Promise<Desk[]> {
  const order = causalOrder(trace)
  const typed: (Typed | undefined)[] = []
  const astral = isAstral(trace)
  const arrivals = new Arrivals()
  const desks = authors.map(({ doc }, agent) => {
    doc.on('update', () => arrivals.announce())
    return new Desk(agent, doc, order, typed)
  })

  const typeChain = async (agent: number, author: Author, desk: Desk): Promise<void> => {
    for (const [done, index] of (order.chains[agent] ?? []).entries()) {
      await letThrough(desk, order.before[index] ?? [], arrivals, `what author ${agent} needs for transaction ${index}`)
      typed[index] = desk.type(trace.transactions[index]?.patches ?? [], astral)
      arrivals.announce()
      // Somebody else goes on from exactly here: send it now rather than after flushDelay.
      await pause(author, done + 1, order.awaited[index])
    }
    await author.provider.flush()
    await letThrough(desk, everything(order), arrivals, `the end of the trace at author ${agent}`)
  }

  await Promise.all(authors.map((author, agent) => typeChain(agent, author, desks[agent] as Desk)))
  return desks
}

function everything(order: CausalOrder): number[] {
  return order.chains.map((chain) => chain.length)
}

async function letThrough(desk: Desk, needed: readonly number[], arrivals: Arrivals, what: string): Promise<void> {
  while (!desk.canCatchUp(needed)) await patiently(arrivals.next(), what, MERGE_PATIENCE_MS)
  desk.catchUp(needed)
}

async function pause({ provider, rest }: Author, edits: number, isAwaited = false): Promise<void> {
  if (isAwaited || edits % EDITS_PER_FLUSH === 0) await provider.flush()
  else await new Promise((resolve) => setImmediate(resolve))
  await rest?.()
}

/** Wakes whoever waits for something to arrive; what exactly has arrived, the desks find out themselves. */
class Arrivals {
  private waiting: (() => void)[] = []

  announce(): void {
    for (const wake of this.waiting.splice(0)) wake()
  }

  next(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve))
  }
}
