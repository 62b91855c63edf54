// @ts-check
// `npm run key-demo`: two instances of an app that answers for its keys, on PostgreSQL, and people at real browsers; then every endpoint that we have, proved.
import { provideChromium } from './chromium.mjs'
import { installDependencies } from './install.mjs'
import { provideInterpreters } from './interpreters.mjs'
import { providePostgres } from './postgres.mjs'
import { installedCommand, requireNode } from './project.mjs'
import { run } from './run.mjs'

requireNode()
await installDependencies()
const chromium = await provideChromium()
const postgres = await providePostgres()
if (!chromium || !postgres) {
  console.error('No Chromium (see CHROMIUM), or no PostgreSQL, on this machine: nothing can be shown.')
  process.exit(1)
}
process.env.CHROMIUM = chromium
await provideInterpreters()
if (!(await run(installedCommand('turbo'), ['run', 'build', '--output-logs=errors-only']))) process.exit(1)
if (!(await run(installedCommand('tsc'), ['-b', 'test/key-demo']))) process.exit(1)

/** @type {{ main(binaries: string): Promise<number> }} */
const { main } = await import(new URL('../key-demo/dist/key-demo/main.js', import.meta.url).href)
process.exitCode = await main(postgres)
