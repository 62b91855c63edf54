import { type Broken, brokenAtRest, brokenInvariant } from './invariants.ts'
import { States } from './states.ts'
import { eachStep, type StepOptions } from './steps.ts'
import type { World } from './world.ts'

export interface SearchOptions extends StepOptions {
  readonly start: World
  /** No more states than this are looked at. */
  readonly maxStates: number
  readonly onProgress?: (states: number, depth: number) => void
}

export interface Found {
  readonly states: number
  readonly steps: number
  /** Of the longest shortest way to a state. */
  readonly depth: number
  /** States where nothing is owed any more. */
  readonly resting: number
  /** Every state within the bounds was looked at. */
  readonly isWhole: boolean
  readonly violation?: { readonly broken: Broken | typeof WAITS_FOR_EVER; readonly trace: readonly string[] }
}

export const WAITS_FOR_EVER = 'from every state, what is owed leads to rest: nobody waits for ever'

/** Breadth first, so that the way to what is found is the shortest; then, from all that was found, whether it comes to rest. */
export function search(options: SearchOptions): Found {
  const { start, maxStates, onProgress } = options
  const states = new States(start.members.length)
  const parents = new Numbers()
  const owed = new Lists()
  let steps = 0
  let depth = 0
  let resting = 0
  let levelEnd = 1
  let broken: Broken | undefined
  states.add(start)
  parents.push(-1)
  let isCapped = false
  for (let state = 0; state < states.count && broken === undefined; state++) {
    if (state === levelEnd) {
      depth++
      levelEnd = states.count
      onProgress?.(states.count, depth)
    }
    if (states.count >= maxStates) {
      isCapped = true
      break
    }
    const world = states.get(state)
    let hasOwed = false
    eachStep(world, options, (_what, _who, isOwed, after) => {
      steps++
      const next = states.add(after)
      if (isOwed && next.state !== state) {
        hasOwed = true
        owed.push(next.state)
      }
      if (!next.isNew) return
      parents.push(state)
      const wrong = brokenInvariant(after)
      if (wrong !== undefined && broken === undefined) {
        broken = wrong
        levelEnd = -1 - next.state
      }
    })
    owed.end()
    if (broken !== undefined) return found(-1 - levelEnd, broken)
    if (hasOwed) continue
    resting++
    broken = brokenAtRest(world)
    if (broken !== undefined) return found(state, broken)
  }
  const stuck = restless(states.count, owed)
  return stuck < 0 ? found(-1) : found(stuck, WAITS_FOR_EVER)

  function found(state: number, why?: Broken | typeof WAITS_FOR_EVER): Found {
    const counts = { states: states.count, steps, depth, resting, isWhole: !isCapped && why === undefined }
    if (why === undefined) return counts
    return { ...counts, violation: { broken: why, trace: trace(state, states, parents, options) } }
  }
}

/** The first state from which what is owed never leads to rest; -1 = there is none. States that were not looked at may be at rest. */
function restless(count: number, owed: Lists): number {
  const isCalm = new Uint8Array(count)
  for (let hasChanged = true; hasChanged; ) {
    hasChanged = false
    for (let state = count - 1; state >= 0; state--) {
      if (isCalm[state] === 1 || (state < owed.count && !owed.isEmpty(state) && !owed.some(state, isCalm))) continue
      isCalm[state] = 1
      hasChanged = true
    }
  }
  return isCalm.indexOf(0)
}

/** The shortest way to a state in words. Members keep their names, although a state does not tell who is who. */
function trace(state: number, states: States, parents: Numbers, options: SearchOptions): string[] {
  const way: number[] = []
  for (let at = state; at > 0; at = parents.get(at)) way.unshift(at)
  const told: string[] = []
  let world = options.start
  for (const next of way) {
    let reached: { readonly line: string; readonly world: World } | undefined
    eachStep(world, options, (what, who, _isOwed, after) => {
      if (reached === undefined && states.add(after).state === next)
        reached = { line: `${NAMES[who] ?? ''} ${what}`.trim(), world: after }
    })
    if (reached === undefined) throw new Error('a step was lost')
    told.push(reached.line)
    world = reached.world
  }
  return told
}

const NAMES = ['Ada', 'Bob', 'Cyd', 'Dan']

const BLOCK = 1 << 22

/** Many numbers, in blocks. */
class Numbers {
  readonly #blocks: Int32Array[] = []
  #count = 0

  get count(): number {
    return this.#count
  }

  push(value: number): void {
    const at = this.#count++ % BLOCK
    if (at === 0) this.#blocks.push(new Int32Array(BLOCK))
    const block = this.#blocks.at(-1)
    if (block !== undefined) block[at] = value
  }

  get(index: number): number {
    return this.#blocks[Math.floor(index / BLOCK)]?.[index % BLOCK] ?? -1
  }
}

/** A list of numbers for each state. */
class Lists {
  readonly #all = new Numbers()
  readonly #ends = new Numbers()

  get count(): number {
    return this.#ends.count
  }

  push(value: number): void {
    this.#all.push(value)
  }

  end(): void {
    this.#ends.push(this.#all.count)
  }

  isEmpty(list: number): boolean {
    return this.#ends.get(list) === this.#start(list)
  }

  some(list: number, isWanted: Uint8Array): boolean {
    for (let i = this.#start(list), end = this.#ends.get(list); i < end; i++) {
      if (isWanted[this.#all.get(i)] === 1) return true
    }
    return false
  }

  #start(list: number): number {
    return list === 0 ? 0 : this.#ends.get(list - 1)
  }
}
