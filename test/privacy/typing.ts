import { below, seededRandom } from '../support/random.ts'

export const EDIT_KINDS = ['insert', 'delete', 'paste'] as const
export type EditKind = (typeof EDIT_KINDS)[number]

/** What one person does next. `jump`: the caret is first put elsewhere, at this fraction of the text. */
export interface TypedEdit {
  readonly kind: EditKind
  /** Characters: 1 but for a paste. */
  readonly length: number
  /** Since the edit before. */
  readonly gapMs: number
  readonly jump?: number
}

/**
 * `writing`: as people write: bursts of keys, runs of backspace at the keyboard's repeat rate, now and then a paste of any length.
 * `even`: each kind as often as the others, in no order, pastes of a word: nothing but the size can tell them apart.
 */
export type Mix = 'writing' | 'even'

// A key of a practised typist; backspace held down; a hand that goes to the menu.
const KEY_GAP_MS = 180
const REPEAT_GAP_MS = 35
const PAUSE_MS = 1_200

const LONGEST_WORD = 24
const LONGEST_PASTE = 2_000

export function generateTyping(mix: Mix, edits: number, seed: string): TypedEdit[] {
  const random = seededRandom(`${seed}/${mix}`)
  const typed: TypedEdit[] = []
  while (typed.length < edits) typed.push(...(mix === 'even' ? [evenEdit(random)] : burst(random)))
  return typed.slice(0, edits)
}

function evenEdit(random: () => number): TypedEdit {
  const kind = EDIT_KINDS[below(random, EDIT_KINDS.length)] as EditKind
  const length = kind === 'paste' ? 2 + below(random, LONGEST_WORD - 1) : 1
  return { kind, length, gapMs: around(random, KEY_GAP_MS), jump: random() }
}

function burst(random: () => number): TypedEdit[] {
  const mood = random()
  const first = { gapMs: around(random, PAUSE_MS), ...(random() < 0.2 ? { jump: random() } : {}) }
  // One burst in four: with twelve keys to a burst, some 3 % of all edits.
  if (mood < 0.25) return [{ kind: 'paste', length: pasteLength(random), ...first }]
  const kind = mood < 0.6 ? 'delete' : 'insert'
  const gapMs = kind === 'delete' ? REPEAT_GAP_MS : KEY_GAP_MS
  const count = kind === 'delete' ? 1 + below(random, 7) : 6 + below(random, 30)
  return Array.from({ length: count }, (_, at) => ({
    kind,
    length: 1,
    ...(at === 0 ? first : { gapMs: around(random, gapMs) }),
  }))
}

/** A word as often as a page: even on a logarithmic scale. */
function pasteLength(random: () => number): number {
  return Math.round(2 * (LONGEST_PASTE / 2) ** random())
}

/** Within a factor of 1.6 to either side. */
function around(random: () => number, medianMs: number): number {
  return medianMs * 1.6 ** (2 * random() - 1)
}
