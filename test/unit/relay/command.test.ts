import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { parseCommand } from '../../../server/relay/src/command.ts'
import { projectRoot } from '../../support/project-root.ts'

afterEach(() => vi.unstubAllEnvs())

const parsed = (...args: string[]) => parseCommand(['node', 'y-sealed-relay', ...args]).retention

it('what was replaced is kept 30 days, or as the flag or the environment says; the flag goes first', () => {
  expect(parsed()).toBe(30 * 86_400_000)
  vi.stubEnv('Y_SEALED_RETENTION', '12h')
  expect(parsed()).toBe(43_200_000)
  expect(parsed('--retention', 'head')).toBe('head')
})

it('a retention that is none ends the command with a sentence', () => {
  const main = join(projectRoot(), 'server/relay/dist/main.js')
  const { status, stderr } = spawnSync(process.execPath, [main, '--retention', '3 weeks'], { encoding: 'utf8' })
  expect(status).toBe(1)
  expect(stderr).toContain("'all', 'head', or a number of d(ays), h(ours), m(inutes)")
})
