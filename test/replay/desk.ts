import * as Y from 'yjs'
import type { CausalOrder, Seen } from './causal-order.ts'
import { cutUpdate, deletionsOf, holds, type Range } from './cut.ts'
import { applyPatches } from './patches.ts'
import type { Patch } from './trace.ts'

/** What a transaction turned out to be once typed: where its author's clock then stood, and what it deleted. */
export interface Typed {
  readonly clock: number
  readonly deletions: readonly Range[]
}

/**
 * Where one author of a concurrent trace types. It never holds more than the transaction's author had seen, while the
 * provider's document beside it holds whatever the relay has delivered.
 */
export class Desk {
  readonly doc = new Y.Doc()
  readonly text = this.doc.getText('text')
  private readonly provided: Y.Doc
  private readonly order: CausalOrder
  private readonly typed: (Typed | undefined)[]
  private readonly seen: number[]
  private readonly agent: number

  constructor(agent: number, provided: Y.Doc, order: CausalOrder, typed: (Typed | undefined)[]) {
    // Yjs orders what two people typed at one place by client id: only ids that rise with the agent's number reproduce the trace.
    this.doc.clientID = clientIdOf(agent)
    this.agent = agent
    this.provided = provided
    this.order = order
    this.typed = typed
    this.seen = order.chains.map(() => 0)
  }

  /** Whether everything that the next transaction's parents had seen has arrived through the relay. */
  canCatchUp(needed: Seen): boolean {
    const missing = this.missing(needed)
    return missing !== undefined && holds(this.provided, missing.content, missing.deletions)
  }

  /** Lets exactly that much through to the desk. */
  catchUp(needed: Seen): void {
    const missing = this.missing(needed)
    if (missing === undefined) throw new Error('cannot catch up with what nobody has typed')
    if (missing.content.length + missing.deletions.length > 0) {
      Y.applyUpdate(this.doc, cutUpdate(this.provided, missing.content, missing.deletions), 'relay')
    }
    needed.forEach((count, agent) => {
      this.seen[agent] = count
    })
  }

  /** Types one transaction at the desk and hands it to the provider's document. */
  type(patches: readonly Patch[], astral: boolean): Typed {
    let made: Uint8Array | undefined
    const note = (update: Uint8Array): void => {
      made = update
    }
    this.doc.on('update', note)
    this.doc.transact(() => applyPatches(this.text, patches, astral))
    this.doc.off('update', note)
    this.seen[this.agent] = (this.seen[this.agent] ?? 0) + 1
    // Typing nothing is possible in a trace, and makes no update.
    if (made !== undefined) Y.applyUpdate(this.provided, made, 'desk')
    return {
      clock: Y.getState(this.doc.store, this.doc.clientID),
      deletions: made === undefined ? [] : deletionsOf(made),
    }
  }

  /** What lies between what the desk has and what it needs; undefined where some of it has not been typed yet. */
  private missing(needed: Seen): { content: Range[]; deletions: Range[] } | undefined {
    const content: Range[] = []
    const deletions: Range[] = []
    for (const [agent, chain] of this.order.chains.entries()) {
      const have = this.seen[agent] ?? 0
      const want = needed[agent] ?? 0
      const steps = chain.slice(have, want).map((index) => this.typed[index])
      for (const step of steps) {
        if (step === undefined) return undefined
        deletions.push(...step.deletions)
      }
      const client = clientIdOf(agent)
      const last = steps.at(-1)
      if (last !== undefined) content.push({ client, from: Y.getState(this.doc.store, client), to: last.clock })
    }
    return { content, deletions }
  }
}

function clientIdOf(agent: number): number {
  return agent + 1
}
