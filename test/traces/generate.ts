import * as Y from 'yjs'
import { applyPatches } from '../replay/patches.ts'
import type { Patch } from '../replay/trace.ts'
import { below, pick, seededRandom } from '../support/random.ts'

/** Edits in each generated trace: long enough for merges, jumps and deletes of every sort, short enough for `npm test`. */
export const EDITS = 2_000

export const SEEDS = { sequential: 'one typist', concurrent: 'three typists' } as const

// Each is one code point; half of them take two UTF-16 units, and some of those belong to one visible character.
const ODD_CHARACTERS = ['🌿', '𝔘', '𠮷', '👩', '‍', '🔬', 'é', '́', '字', '\n', '—', '🏳', '️', '🌈'] as const

const WORDS = 'a blind relay stores what it cannot read and forwards what it may not change so that people can write'.split(
  ' ',
)

/** What one person does next: mostly types on, sometimes deletes, jumps, pastes, corrects in two places at once. */
class Typist {
  private cursor = 0
  private pending: string[] = []
  private readonly random: () => number

  constructor(random: () => number) {
    this.random = random
  }

  next(length: number): Patch[] {
    this.cursor = Math.min(this.cursor, length)
    const mood = this.random()
    if (mood < 0.04) this.cursor = below(this.random, length + 1)
    if (mood < 0.12 && this.cursor > 0) return [this.deleteBack(1)]
    if (mood < 0.15 && this.cursor > 1) return [this.deleteBack(1 + below(this.random, Math.min(20, this.cursor)))]
    if (mood < 0.17) return [this.replaceAhead(length)]
    if (mood < 0.18 && this.cursor > 0) return [this.deleteBack(1), this.type(this.character())]
    if (mood < 0.19) return [this.type(Array.from({ length: 12 }, () => this.character()).join(''))]
    return [this.type(this.character())]
  }

  private character(): string {
    if (this.random() < 0.05) return pick(this.random, ODD_CHARACTERS)
    if (this.pending.length === 0) this.pending = [...pick(this.random, WORDS), ' ']
    return this.pending.shift() ?? ' '
  }

  private type(insert: string): Patch {
    const position = this.cursor
    this.cursor += [...insert].length
    return [position, 0, insert]
  }

  private deleteBack(count: number): Patch {
    this.cursor -= count
    return [this.cursor, count, '']
  }

  private replaceAhead(length: number): Patch {
    const count = Math.min(length - this.cursor, 1 + below(this.random, 5))
    const insert = this.character()
    const patch: Patch = [this.cursor, count, insert]
    this.cursor += 1
    return patch
  }
}

/** One writer. Same shape as the files of `sequential_traces`. */
export function generateSequential(seed: string = SEEDS.sequential) {
  const typist = new Typist(seededRandom(seed))
  const text: string[] = []
  const txns: { patches: Patch[] }[] = []
  for (let edits = 0; edits < EDITS; ) {
    const patches = typist.next(text.length).slice(0, EDITS - edits)
    for (const [position, deleteCount, insert] of patches) text.splice(position, deleteCount, ...insert)
    txns.push({ patches })
    edits += patches.length
  }
  return { startContent: '', endContent: text.join(''), txns }
}

const AGENTS = 3

interface Desk {
  doc: Y.Doc
  typist: Typist
  /** Newest transaction of every agent that this desk holds, -1 for none. */
  newest: number[]
}

/** Three writers who merge now and then. Same shape as the files of `concurrent_traces`. */
export function generateConcurrent(seed: string = SEEDS.concurrent) {
  const random = seededRandom(seed)
  const desks = Array.from({ length: AGENTS }, (_, agent): Desk => {
    const doc = new Y.Doc()
    // Yjs orders what two people typed at one place by client id; a replay can only do the same if ids rise alike.
    doc.clientID = agent + 1
    return { doc, typist: new Typist(seededRandom(`${seed}/agent ${agent}`)), newest: Array(AGENTS).fill(-1) }
  })
  const seenBy: number[][] = []
  const txns: { parents: number[]; numChildren: number; agent: number; time: string; patches: Patch[] }[] = []
  let agent = 0
  for (let edits = 0; edits < EDITS; ) {
    // People type in bursts; a change of hands after every key would make a graph that no two people ever make.
    if (random() < 0.2) agent = below(random, AGENTS)
    const desk = desks[agent] as Desk
    if (random() < 0.15) mergeInto(desk, pick(random, desks))
    const text = desk.doc.getText('text')
    const patches = desk.typist.next([...text.toString()].length).slice(0, EDITS - edits)
    desk.doc.transact(() => applyPatches(text, patches, true))
    const parents = heads(desk.newest, seenBy)
    for (const parent of parents) (txns[parent] as { numChildren: number }).numChildren++
    desk.newest[agent] = txns.length
    seenBy.push([...desk.newest])
    txns.push({ parents, numChildren: 0, agent, time: '1970-01-01T00:00:00+00:00', patches })
    edits += patches.length
  }
  const last = desks[0] as Desk
  for (const desk of desks) mergeInto(last, desk)
  const endContent = last.doc.getText('text').toString()
  for (const { doc } of desks) doc.destroy()
  return { kind: 'concurrent', endContent, numAgents: AGENTS, txns }
}

function mergeInto(desk: Desk, other: Desk): void {
  Y.applyUpdate(desk.doc, Y.encodeStateAsUpdate(other.doc, Y.encodeStateVector(desk.doc)))
  desk.newest = desk.newest.map((index, agent) => Math.max(index, other.newest[agent] ?? -1))
}

/** The newest transactions that no other of them has already seen. */
function heads(newest: readonly number[], seenBy: readonly number[][]): number[] {
  const known = newest.filter((index) => index >= 0)
  return known.filter((index, _, all) =>
    all.every((other) => other === index || !seenBy[other]?.some((seen) => seen === index)),
  )
}
