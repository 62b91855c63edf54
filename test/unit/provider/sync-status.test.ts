import { describe, expect, it } from 'vitest'
import { syncStatus } from '../../../packages/provider/src/sync-status.ts'

const facts = {
  connected: true,
  receivedInitialSync: true,
  oldestUnsyncedMs: undefined,
  lastReceivedMs: 900,
  nowMs: 1_000,
}

describe('the sync status', () => {
  it('is green when everything is acked', () => {
    expect(syncStatus(facts)).toEqual({
      connected: true,
      receivedInitialSync: true,
      localUpdatesSynced: true,
      localUpdatesAge: 0,
      lastMessageAge: 100,
      status: 'green',
    })
  })

  it.each([
    ['an edit on its way', { oldestUnsyncedMs: 500 }, 'yellow'],
    ['an edit that takes 8 s', { oldestUnsyncedMs: -7_000 }, 'red'],
    ['no connection', { connected: false }, 'red'],
    ['no initial sync', { receivedInitialSync: false }, 'red'],
  ])('with %s', (_, change, status) => {
    expect(syncStatus({ ...facts, ...change }).status).toBe(status)
  })

  it('has never heard of a relay that never spoke', () => {
    expect(syncStatus({ ...facts, lastReceivedMs: 0 }).lastMessageAge).toBe(Number.POSITIVE_INFINITY)
  })
})
