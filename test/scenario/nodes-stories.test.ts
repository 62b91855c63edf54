import { afterAll, beforeAll, describe } from 'vitest'
import { type Cluster, skipClusterTests, startCluster } from '../support/cluster.ts'
import { onNodes } from '../support/world.ts'

// Stories that are told on one relay elsewhere, here with each person at another of three: the same files, imported.

describe.skipIf(skipClusterTests)('on three nodes', async () => {
  let cluster: Cluster | undefined
  beforeAll(async () => {
    cluster = await startCluster()
    onNodes(cluster.urls)
  })
  afterAll(async () => {
    onNodes(undefined)
    await cluster?.stop()
  })

  await import('./epoch-zero-race.test.ts')
  await import('./rotation.test.ts')
  await import('./rotation-wish.test.ts')
  await import('./flush.test.ts')
  await import('./large-edits.test.ts')
})
