import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { closeReasons, refusalCodes } from '@y-sealed/protocol'
import { expect, it, onTestFinished } from 'vitest'
import { onPath } from '../bin/debian.mjs'
import { FakeSealer, fakeRecord, RawClient } from '../scenario/relay-raw-client.ts'
import { projectRoot } from '../support/project-root.ts'
import { startServerProcess } from '../support/server-process.ts'
import { metricFamilies } from './metric-families.ts'

const MAIN = 'server/relay/dist/main.js'
const page = readFileSync(join(projectRoot(), 'docs/relay-runbook.md'), 'utf8')

interface Commands {
  heading: string
  /** Whether the relay has to be stopped for them. */
  isStopped: boolean
  script: string
}

function commands(): Commands[] {
  return page.split(/^## /m).flatMap((section) => {
    const [heading = ''] = section.split('\n')
    const blocks = [...section.matchAll(/^```sh( stopped)?\n(.*?)^```$/gms)]
    return blocks.map(([, stopped, script = '']) => ({ heading, isStopped: stopped !== undefined, script }))
  })
}

it.skipIf(!onPath('curl'))(
  "each of the runbook's commands does what it is for, in the runbook's order",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'y-sealed-runbook-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const [data, admin] = [join(folder, 'data'), join(folder, 'admin-token')]
    writeFileSync(admin, 'the operator, and nobody else, has this token\n')
    mkdirSync(join(folder, 'bin'))
    const shim = join(folder, 'bin/y-sealed-relay')
    writeFileSync(shim, `#!/bin/sh\nexec "${process.execPath}" "${join(projectRoot(), MAIN)}" "$@"\n`)
    chmodSync(shim, 0o755)
    const relay = await startServerProcess(MAIN, { data, 'admin-token-file': admin })
    onTestFinished(() => void relay.stop())
    const member = await RawClient.connect(relay.url)
    await member.join('a room')
    await member.open(fakeRecord(), [new FakeSealer().seal(30_000)])
    // Somebody who is refused, so that there is a refusal to be seen.
    await member.append([new FakeSealer().seal(40, 1, 7)])

    const env = {
      PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
      RELAY: relay.url.replace('ws', 'http'),
      ...{ ADMIN: admin, DATA: data, BACKUP: join(folder, 'backup'), ROOM: 'a room', SUBJECT: 'somebody' },
    }
    const said: Record<string, string> = {}
    let isRunning = true
    for (const { heading, isStopped, script } of commands()) {
      if (isStopped === isRunning) {
        if (isStopped) expect(await relay.stop()).toBe(0)
        else await relay.restart()
        isRunning = !isStopped
      }
      const { status, stdout, stderr } = spawnSync('sh', ['-eu'], { cwd: folder, env, encoding: 'utf8', input: script })
      expect([heading, status, stderr]).toEqual([heading, 0, ''])
      said[heading] = (said[heading] ?? '') + stdout
    }
    expect(said).toMatchObject({
      'Each day': expect.stringContaining('sound: 1 documents, 1 epochs, 1 entries'),
      'Is it well?': expect.stringContaining('y_sealed_relay_connections 1'),
      'Somebody must go': expect.stringMatching(/"closed":0.*"total":1/),
      'Who takes the room': expect.stringMatching(/"entries":1,.*"deleted":true.*bytes before/s),
      'The database is damaged': expect.stringContaining('sound: 0 documents'),
      'Restore a backup': expect.stringContaining('sound: 1 documents, 1 epochs, 1 entries'),
      'Another version': expect.stringContaining('nothing to do'),
      'The settings are not what you thought': expect.stringContaining('flag'),
    })
  },
  120_000,
)

it('what the runbook names, there is', () => {
  const families = metricFamilies()
  expect((page.match(/y_sealed_relay_[a-z]\w+/g) ?? []).filter((name) => !families.has(name))).toEqual([])
  const codes = [...page.matchAll(/refusals_total\{code="([a-z-]+)"\}/g)].map(([, code = '']) => code)
  expect(codes.filter((code) => !refusalCodes.some((known) => known === code))).toEqual([])
  const closes = [...page.matchAll(/^\| ((?:\d{4}(?:, )?)+) \|/gm)].flatMap(([, list = '']) =>
    list.split(', ').map(Number),
  )
  const known: number[] = Object.values(closeReasons).map(({ code }) => code)
  expect(closes.length).toBeGreaterThan(5)
  expect(closes.filter((code) => !known.includes(code))).toEqual([])
})
