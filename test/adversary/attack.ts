import type { WorldOptions } from '../support/world.ts'
import type { Scene } from './scene.ts'

/** One attack of the catalogue, as a story that can be played. */
export interface Attack {
  /** Its id there: a letter, a number, and a small letter where one id has several stories. */
  readonly id: string
  readonly title: string
  /** What the hostile relay, member or stranger does. */
  readonly done: string
  /** `ours`: the relay that is attacked is ours, from outside; else the relay is the attacker. */
  readonly relay?: 'ours'
  readonly world?: () => WorldOptions
  /** Takes seconds: left to `npm run adversary`, and no part of `npm test`. */
  readonly isLong?: true
  /** Plays it, and asserts what the honest members have and were told. What was lost is looked at afterwards, by the scene. */
  run(scene: Scene): Promise<void>
}
