// @ts-check
// `npm run fuzz [-- --minutes 10 --target NAME --seed SEED]`: bytes from a stranger, thrown at everything that reads such.
import { installDependencies } from './install.mjs'
import { installedCommand, requireNode } from './project.mjs'
import { run } from './run.mjs'

requireNode()
await installDependencies()
// What is shipped is what is tried: built.
if (!(await run(installedCommand('turbo'), ['run', 'build', '--output-logs=errors-only']))) process.exit(1)
if (!(await run(installedCommand('tsc'), ['-b', 'test/fuzz']))) process.exit(1)

/** @type {{ main(args: readonly string[]): Promise<number> }} */
const { main } = await import(new URL('../fuzz/dist/fuzz/main.js', import.meta.url).href)
// What a case has left open must not keep the run from ending.
process.exit(await main(process.argv.slice(2)))
