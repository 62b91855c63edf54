import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keyEndpoint } from '@y-sealed/key-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { onPath } from '../bin/debian.mjs'
import { type Conformance, proveEndpoint } from '../support/conformance.ts'
import { patiently, untilText } from '../support/events.ts'
import { LANGUAGES, startForeignEndpoint, writeUsers } from '../support/foreign-endpoints.ts'
import { ORIGIN, USERS } from '../support/minimal-endpoint.ts'
import { someProblem } from '../support/steps.ts'
import { startWorld } from '../support/world.ts'

// The endpoints of docs/write-your-own-endpoint.md, each run by its interpreter as the page says.

describe.each(Object.entries(LANGUAGES))('the endpoint in %s', (_language, example) => {
  it.skipIf(onPath(example.command) === undefined)(
    'keeps every rule, serves people who write and rotate, gives its keys again after kill -9, and logs none of them',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'y-sealed-language-'))
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
      writeUsers(folder)
      const log = join(folder, 'log.txt')
      const memory = join(folder, 'memory.json')

      const prove = async (...flags: string[]): Promise<Conformance> => {
        const endpoint = await startForeignEndpoint(example, folder)
        try {
          writeFileSync(log, endpoint.output)
          const report = await proveEndpoint(endpoint.url, USERS, '--origin', ORIGIN, '--memory', memory, ...flags)
          writeFileSync(log, endpoint.output)
          if (flags.length === 0) await peopleWrite(endpoint.url)
          return report
        } finally {
          await endpoint.kill()
        }
      }

      const first = await prove()
      expect(first).toMatchObject({ exitCode: 0, failed: [], weaker: [] })
      expect(Object.keys(first.skipped).sort()).toEqual(['KE11', 'KE17', 'KE18', 'KE19', 'KE20', 'KE3', 'KE8'])
      const second = await prove('--only', 'KE3,KE20', '--log', log)
      expect([second.exitCode, second.passed.sort(), second.failed]).toEqual([0, ['KE20', 'KE3'], []])
    },
    120_000,
  )
})

/** Two people and a rotation, a reader who comes later, and somebody who may not. */
async function peopleWrite(url: string): Promise<void> {
  const world = await startWorld()
  const as = (user: keyof typeof USERS) => ({
    keys: keyEndpoint(url, { headers: USERS[user] }),
    room: 'conformance-room',
  })
  try {
    const ada = await world.joined('Ada', as('writer'))
    ada.text.insert(0, 'before, ')
    await patiently(ada.provider.flush(), 'the first words')
    const bob = await world.joined('Bob', as('colleague'))
    await patiently(ada.provider.rotateKey(), 'the rotation')
    bob.text.insert(bob.text.length, 'and after')
    await untilText(ada.doc, 'before, and after')
    await patiently(bob.provider.flush(), 'the last words')
    const reader = await world.joined('a reader', as('reader'))
    expect([reader.text.toString(), reader.provider.freshness]).toEqual(['before, and after', 'endpoint'])
    const outsider = world.person('an outsider', { ...as('outsider'), expects: ['key-refused'] })
    await someProblem(outsider)
    expect(outsider.text.toString()).toBe('')
  } finally {
    await world.close()
  }
}
