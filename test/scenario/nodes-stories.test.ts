import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { skipNodeTests, tellOnNodes } from '../support/nodes.ts'
import onNodes from './on-nodes.json' with { type: 'json' }

const { notTold, sample, told } = onNodes

// Stories that are told on one relay elsewhere, here with each person at another of three: the same files, imported. This is a sample; `npm run nodes`
// tells all that are told on nodes.
tellOnNodes()

describe.skipIf(skipNodeTests)('on three nodes', () => {
  // Each in a suite of its own, as in a file of its own: its hooks are for its stories only.
  for (const name of sample) describe(name, async () => void (await import(`./${name}.test.ts`)))
})

it('of every story it is said whether it is told on nodes, or why not', () => {
  const stories = readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => file.slice(0, -'.test.ts'.length))
  expect([...told, ...Object.keys(notTold)].sort()).toEqual(stories.sort())
  expect(sample.filter((name) => !told.includes(name))).toEqual([])
})
