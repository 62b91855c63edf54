// @ts-check
// `npm run nodes`: the stories of test/scenario, with each person at another of three relays on PostgreSQL and Redis. `npm test` runs a sample.
// `npm run nodes -- rotation` runs those whose name has that in it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { installDependencies } from './install.mjs'
import { providePostgres, startPostgres } from './postgres.mjs'
import { installedCommand, projectRoot, requireNode } from './project.mjs'
import { provideRedis } from './redis.mjs'
import { run } from './run.mjs'

requireNode()
await installDependencies()
const binaries = await providePostgres()
if (!binaries || !(await provideRedis())) {
  console.error('This needs PostgreSQL and Redis (postgresql and redis-server in Debian).')
  process.exit(1)
}
/** @type {{ told: string[] }} */
const { told } = JSON.parse(readFileSync(join(projectRoot, 'test/scenario/on-nodes.json'), 'utf8'))
const wanted = process.argv.slice(2)
const names = wanted.length === 0 ? told : told.filter((name) => wanted.some((part) => name.includes(part)))
if (names.length === 0) {
  console.error(`No story that is told on nodes is called ${wanted.join(' or ')}; see test/scenario/on-nodes.json.`)
  process.exit(1)
}

if (!(await run(installedCommand('turbo'), ['run', 'build', '--output-logs=errors-only']))) process.exit(1)
// One for the whole run: the start of one costs a second.
const postgres = await startPostgres(binaries, { isDurable: false })
const files = names.map((name) => `test/scenario/${name}.test.ts`)
const succeeded = await run(installedCommand('vitest'), ['run', ...files], {
  env: { Y_SEALED_TEST_NODES: '1', Y_SEALED_TEST_POSTGRES: postgres.url },
})
await postgres.stop()
process.exitCode = succeeded ? 0 : 1
