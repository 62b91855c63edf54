/** Unsynced for longer than this is no longer "just typed": the threshold of @y/websocket 4. */
export const YELLOW_MS = 8_000

/** The shape of @y/websocket 4's `sync-status`; here `localUpdatesSynced` rests on durable acks of the relay. */
export interface SyncStatus {
  readonly connected: boolean
  readonly receivedInitialSync: boolean
  readonly localUpdatesSynced: boolean
  /** ms since the oldest edit that is not synced was made; 0 if all are. */
  readonly localUpdatesAge: number
  /** ms since the relay was last heard; Infinity if never. */
  readonly lastMessageAge: number
  /** green: all is synced. yellow: edits are on their way for less than 8 s. red: not connected, or they take longer. */
  readonly status: 'green' | 'yellow' | 'red'
}

export interface SyncFacts {
  readonly connected: boolean
  readonly receivedInitialSync: boolean
  readonly oldestUnsyncedMs: number | undefined
  readonly lastReceivedMs: number
  readonly nowMs: number
}

export function syncStatus({
  connected,
  receivedInitialSync,
  oldestUnsyncedMs,
  lastReceivedMs,
  nowMs,
}: SyncFacts): SyncStatus {
  const localUpdatesSynced = oldestUnsyncedMs === undefined
  const localUpdatesAge = localUpdatesSynced ? 0 : Math.max(0, nowMs - oldestUnsyncedMs)
  return {
    connected,
    receivedInitialSync,
    localUpdatesSynced,
    localUpdatesAge,
    lastMessageAge: lastReceivedMs === 0 ? Number.POSITIVE_INFINITY : Math.max(0, nowMs - lastReceivedMs),
    status: statusOf(connected && receivedInitialSync, localUpdatesSynced, localUpdatesAge),
  }
}

function statusOf(isLive: boolean, isSynced: boolean, ageMs: number): SyncStatus['status'] {
  if (!isLive) return 'red'
  if (isSynced) return 'green'
  return ageMs < YELLOW_MS ? 'yellow' : 'red'
}
