import { describe, expect, test } from 'vitest'
import { attacks } from './attacks/all-attacks.ts'
import { play, playHonestly } from './play.ts'

// Each attack of the catalogue that applies, against members and relay as they are; `undefended.test.ts` looks at the same without each defence.

// Named by `npm run adversary`; `npm test` names none, and plays those that are quick.
const wanted = process.env.Y_SEALED_ATTACKS?.split(' ')
const chosen = attacks.filter(({ id, isLong }) => wanted?.includes(id) ?? isLong === undefined)

describe('a hostile relay', () => {
  test('-: is a relay like any other while it has no script', () => playHonestly())
})

describe('attack', () => {
  for (const attack of chosen) {
    test(`${attack.id}: ${attack.title}`, async ({ task }) => {
      const outcome = await play(attack)
      expect(outcome.noticed).not.toBe('')
      task.meta.outcome = outcome
    })
  }
})
