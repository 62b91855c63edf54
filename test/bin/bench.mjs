// @ts-check
// `npm run bench [-- --rows a,b --repetitions N --json FILE --markdown FILE --sample]`: y-sealed beside its peers, each server a process of its own.
// Plain Node; what is TypeScript is compiled first, a second when nothing changed.
import { installDependencies } from './install.mjs'
import { installedCommand, requireNode } from './project.mjs'
import { run } from './run.mjs'

requireNode()
await installDependencies()
// The relay and the packages are measured as they are shipped: built.
if (!(await run(installedCommand('turbo'), ['run', 'build', '--output-logs=errors-only']))) process.exit(1)
if (!(await run(installedCommand('tsc'), ['-b', 'test/bench']))) process.exit(1)

/** @type {{ main(args: readonly string[]): Promise<number> }} */
const { main } = await import(new URL('../bench/dist/bench/main.js', import.meta.url).href)
process.exitCode = await main(process.argv.slice(2))
