import { epochs } from './epochs.ts'
import { reading } from './reading.ts'
import { sealing } from './sealing.ts'
import type { SwitchOff } from './switch-off.ts'

/** One for each attack that is played. */
export const switches: readonly SwitchOff[] = [...sealing, ...reading, ...epochs]
