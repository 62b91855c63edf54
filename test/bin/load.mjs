// @ts-check
// `npm run load [-- --nodes N]`: relays, PostgreSQL, Redis and clients as processes of their own; a node and the bus are killed under load.
// Plain Node; what is TypeScript is compiled first, a second when nothing changed.
import { installDependencies } from './install.mjs'
import { installedCommand, requireNode } from './project.mjs'
import { run } from './run.mjs'

requireNode()
await installDependencies()
// The relay is measured as it is shipped: built.
if (!(await run(installedCommand('turbo'), ['run', 'build', '--output-logs=errors-only']))) process.exit(1)
if (!(await run(installedCommand('tsc'), ['-b', 'test/bench']))) process.exit(1)

/** @type {{ main(args: readonly string[]): Promise<number> }} */
const { main } = await import(new URL('../bench/dist/bench/load/main.js', import.meta.url).href)
process.exitCode = await main(process.argv.slice(2))
