import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { projectRoot } from '../support/project-root.ts'
import { thirdPartyRows } from './third-party.ts'

// Its licences are those that an installation has: a row that is missing here is printed by this test as it has to be.
it('THIRD-PARTY.md names everything that is installed with a package or bundled into the demo, and its licence', () => {
  const page = readFileSync(join(projectRoot(), 'THIRD-PARTY.md'), 'utf8')
  const rows = page.split('\n').filter((line) => /^\| [@a-z]/.test(line) && !line.startsWith('| package'))
  expect(rows).toEqual(thirdPartyRows())
})
