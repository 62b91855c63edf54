import { createSealer, type Sealer } from '@y-sealed/envelope'
import { type Clock, systemClock } from '@y-sealed/key-client'
import type { Epoch } from './epoch.ts'

/** The one sealer of a session: updates, witnesses and awareness (protocol §3). */
export function createWireSealer(epoch: Epoch, padding: boolean, clock: Clock): Promise<Sealer> {
  // With the platform's clock a sealer also compares it with the monotonic one, to notice a machine that was suspended or cloned.
  const time = clock === systemClock ? {} : { now: () => clock.now() }
  return createSealer(epoch.keys, { epochIndex: epoch.index, padding, ...time })
}
