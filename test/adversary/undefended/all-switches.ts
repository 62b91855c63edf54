import { epochs } from './epochs.ts'
import { members } from './members.ts'
import { reading } from './reading.ts'
import { relay } from './relay.ts'
import { sealing } from './sealing.ts'
import type { SwitchOff } from './switch-off.ts'

/** One for each attack that is played. */
export const switches: readonly SwitchOff[] = [...sealing, ...reading, ...epochs, ...members, ...relay]
