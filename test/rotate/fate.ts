import type { Down, Up } from '@y-sealed/protocol'
import type { Direction } from '../support/capture.ts'
import { pick } from '../support/random.ts'

type Type = (Up | Down)['type']

/** Every message of a rotation, in order: what may befall a rotator befalls it at one of these. */
const STEPS: readonly (readonly [Direction, Type])[] = [
  ['up', 'lease'],
  ['down', 'leased'],
  ['up', 'stage'],
  ['down', 'staged'],
  ['up', 'pause'],
  ['down', 'paused'],
  ['up', 'open'],
  ['down', 'opened'],
]

/**
 * `lost`: the connection breaks and that message with it. `cut`: it breaks right after. `dies`: the machine is gone right
 * after. `relay`: the relay is killed right after.
 */
export type Blow = 'lost' | 'cut' | 'dies' | 'relay'

/** What befalls a rotation. */
export interface Fate {
  readonly blow: Blow
  readonly direction: Direction
  readonly type: Type
}

/** Half of all rotations are left alone. */
export function drawFate(random: () => number): Fate | undefined {
  const blow = pick(random, ['none', 'none', 'none', 'none', 'lost', 'cut', 'dies', 'relay'] as const)
  const [direction, type] = pick(random, STEPS)
  return blow === 'none' ? undefined : { blow, direction, type }
}
