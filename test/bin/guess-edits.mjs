// @ts-check
// `npm run guess-edits [-- SEED]`: plays a relay that guesses from lengths and times what somebody types, with padding and without.
import { installDependencies } from './install.mjs'
import { installedCommand, requireNode } from './project.mjs'
import { run } from './run.mjs'

requireNode()
await installDependencies()
if (!(await run(installedCommand('tsc'), ['-b', 'test/privacy']))) process.exit(1)

/** @type {{ main(seeds: readonly string[]): Promise<number> }} */
const { main } = await import(new URL('../privacy/dist/privacy/main.js', import.meta.url).href)
process.exitCode = await main(process.argv.slice(2))
