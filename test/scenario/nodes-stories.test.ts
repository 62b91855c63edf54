import { describe } from 'vitest'
import { skipNodeTests, tellOnNodes } from '../support/nodes.ts'

// Stories that are told on one relay elsewhere, here with each person at another of three: the same files, imported.
tellOnNodes()

describe.skipIf(skipNodeTests)('on three nodes', () => {
  // Each in a suite of its own, as in a file of its own: its hooks are for its stories only.
  describe('rotation', async () => void (await import('./rotation.test.ts')))
  describe('the last words of a page', async () => void (await import('./flush.test.ts')))
  describe('wishes for a rotation', async () => void (await import('./rotation-wish.test.ts')))
})
