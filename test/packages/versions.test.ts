import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { projectRoot } from '../support/project-root.ts'

it.each(['server/relay', 'server/key-endpoint', 'packages/cli'])(
  'the command of %s says which version it is: what an operator asks before an upgrade',
  (folder) => {
    const { version } = JSON.parse(readFileSync(join(projectRoot(), folder, 'package.json'), 'utf8'))
    const { status, stdout } = spawnSync(process.execPath, [join(projectRoot(), folder, 'dist/main.js'), '--version'], {
      encoding: 'utf8',
    })
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${version}\n` })
  },
)
