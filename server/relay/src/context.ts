import type { Authorize } from './auth/authorize.ts'
import type { ShutOut } from './auth/shut-out.ts'
import type { Clock } from './clock.ts'
import type { RelayLimits } from './limits.ts'
import type { LogStore } from './log/log-store.ts'
import type { RotationRate } from './log/rotation-rate.ts'
import type { Rooms } from './room/rooms.ts'
import type { HeldBytes } from './session/held-bytes.ts'
import type { Log } from './telemetry/log.ts'
import type { Metrics } from './telemetry/metrics.ts'

/** What all sessions of one relay share. */
export interface RelayContext {
  store: LogStore
  rooms: Rooms
  authorize: Authorize
  shutOut: ShutOut
  limits: RelayLimits
  clock: Clock
  held: HeldBytes
  /** How often a document may be rotated; absent: any number of times. */
  rotations?: RotationRate
  log: Log
  metrics: Metrics
}
