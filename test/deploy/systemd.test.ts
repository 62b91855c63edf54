import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SETTING_KEYS, SETTINGS, type Setting } from '../../server/relay/src/config/settings.ts'
import { DEFAULT_RELAY_LIMITS } from '../../server/relay/src/limits.ts'
import { onPath } from '../bin/debian.mjs'
import { projectRoot } from '../support/project-root.ts'

const unit = join(projectRoot(), 'server/relay/deploy/y-sealed-relay.service')
const text = readFileSync(unit, 'utf8')

describe('the systemd unit', () => {
  it.skipIf(!onPath('systemd-analyze'))('is one that systemd has nothing against', () => {
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' })
    expect([status, stdout + stderr]).toEqual([0, ''])
  })

  it('sets what there is, and stops a relay later than it needs', () => {
    const variables = SETTING_KEYS.map((key) => (SETTINGS[key] as Setting).environment as string)
    for (const [, name = ''] of text.matchAll(/^Environment=(Y_SEALED_\w+)=/gm)) expect(variables).toContain(name)
    const [, seconds] = /^TimeoutStopSec=(\d+)$/m.exec(text) ?? []
    expect(Number(seconds) * 1_000).toBeGreaterThan(2 * DEFAULT_RELAY_LIMITS.drainMs)
    const [, files] = /^LimitNOFILE=(\d+)$/m.exec(text) ?? []
    expect(Number(files)).toBeGreaterThan(2 * DEFAULT_RELAY_LIMITS.maxConnections)
  })
})
