import { useMemo, useSyncExternalStore } from 'react'
import type { SealedProvider } from '../provider.ts'
import type { SyncStatus } from '../sync-status.ts'

/** `provider.syncStatus`, whenever it changes; the ages in it are those of that moment. */
export function useSyncStatus(provider: SealedProvider): SyncStatus {
  const { subscribe, read } = useMemo(() => statusOf(provider), [provider])
  return useSyncExternalStore(subscribe, read, read)
}

function statusOf(provider: SealedProvider) {
  let last = provider.syncStatus
  return {
    read: () => last,
    subscribe(onChange: () => void) {
      const take = (status: SyncStatus): void => {
        last = status
        onChange()
      }
      provider.on('sync-status', take)
      // What changed between rendering and mounting.
      last = provider.syncStatus
      return () => provider.off('sync-status', take)
    },
  }
}
