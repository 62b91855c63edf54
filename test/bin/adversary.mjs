// @ts-check
// `npm run adversary [-- ID …]`: every attack of the catalogue that applies, played against members and relay; a table of what was noticed.
// `npm run adversary -- --undefended [ID …]`: the same with the defence of each switched off; every attack must then succeed.
import { installDependencies } from './install.mjs'
import { installedCommand, requireNode } from './project.mjs'
import { run } from './run.mjs'

requireNode()
await installDependencies()
if (!(await run(installedCommand('tsc'), ['-b', 'test/adversary']))) process.exit(1)

/** @type {{ main(args: readonly string[]): Promise<number> }} */
const { main } = await import(new URL('../adversary/dist/adversary/main.js', import.meta.url).href)
process.exitCode = await main(process.argv.slice(2))
