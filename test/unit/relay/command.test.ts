import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { parseCommand } from '../../../server/relay/src/command.ts'
import { checkLimits } from '../../../server/relay/src/limits.ts'
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

const limitsOf = (...args: string[]) => parseCommand(['node', 'y-sealed-relay', ...args]).limit

it('limits are named one by one, or all in one; the environment is for all', () => {
  expect(limitsOf()).toEqual({})
  expect(limitsOf('--limit', 'maxDocumentBytes=1e9', '--limit', 'maxConnections=5,joinBurst=7')).toEqual({
    maxDocumentBytes: 1e9,
    maxConnections: 5,
    joinBurst: 7,
  })
  vi.stubEnv('Y_SEALED_LIMITS', 'maxConnections=5')
  expect(limitsOf()).toEqual({ maxConnections: 5 })
})

it.each([
  [{ maxConections: 5 }, 'there is no "maxConections"'],
  [{ toString: 5 }, 'there is no "toString"'],
  [{ maxConnections: -1 }, 'a number from 0'],
  [{ maxConnections: Number.NaN }, 'a number from 0'],
  [{ pauseMs: 5_001 }, 'at most 5000'],
  [{ maxAppendBytes: 1e9 }, 'at most 67108864'],
])('limits that are none, or beyond the protocol, are named: %o', (limits, sentence) => {
  expect(() => checkLimits(limits)).toThrow(sentence)
})

it('a limit that is none ends the command with a sentence', () => {
  const main = join(projectRoot(), 'server/relay/dist/main.js')
  const { status, stderr } = spawnSync(process.execPath, [main, '--limit', 'maxConections=5'], { encoding: 'utf8' })
  expect([status, stderr]).toEqual([1, expect.stringContaining('there is no "maxConections"')])
})
