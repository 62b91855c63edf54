import { afterAll, beforeAll, describe } from 'vitest'
import { type Cluster, skipClusterTests, startCluster } from '../support/cluster.ts'
import { onNodes } from '../support/world.ts'

// Stories that are told on one relay elsewhere, here with each person at another of three: the same files, imported.

describe.skipIf(skipClusterTests)('on three nodes', () => {
  let cluster: Cluster | undefined
  beforeAll(async () => {
    cluster = await startCluster()
    onNodes(cluster.urls)
  })
  afterAll(async () => {
    onNodes(undefined)
    await cluster?.stop()
  })

  // Each in a suite of its own, as in a file of its own: its hooks are for its stories only.
  describe('rotation', async () => void (await import('./rotation.test.ts')))
  describe('the last words of a page', async () => void (await import('./flush.test.ts')))
  describe('wishes for a rotation', async () => void (await import('./rotation-wish.test.ts')))
})
