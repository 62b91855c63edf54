import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { projectRoot } from '../support/project-root.ts'
import { isAlive } from './run-lock.mjs'

const RUN = pathToFileURL(join(projectRoot(), 'test/bin/run.mjs')).href

// Says who it is, and would go on for ever.
const COMMAND = 'console.log(process.pid); setInterval(() => {}, 1_000)'

it('who is asked to end asks the command that it runs, goes on to tidy up, and leaves nobody behind', async () => {
  const script = `
    import { run } from '${RUN}'
    const succeeded = await run(process.execPath, ['-e', ${JSON.stringify(COMMAND)}])
    console.log('tidied', succeeded)`
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  parent.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  await once(parent.stdout, 'data')
  const command = Number(output)
  onTestFinished(() => void (isAlive(command) && process.kill(command)))
  expect(isAlive(command)).toBe(true)
  parent.kill('SIGTERM')
  expect(await once(parent, 'close')).toEqual([0, null])
  expect(output).toContain('tidied false')
  expect(isAlive(command)).toBe(false)
})
