// @ts-check
// `npm run replay [-- FILE.json.gz …]`: an editing history through providers, a relay process and a key endpoint process.
// Without a file: the two generated traces. Plain Node; what is TypeScript is compiled first, a second when nothing changed.
import { installDependencies } from './install.mjs'
import { installedCommand, requireNode } from './project.mjs'
import { run } from './run.mjs'

requireNode()
await installDependencies()
if (!(await run(installedCommand('tsc'), ['-b', 'test/replay']))) process.exit(1)

/** @type {{ main(files: readonly string[]): Promise<number> }} */
const { main } = await import(new URL('../replay/dist/replay/main.js', import.meta.url).href)
process.exitCode = await main(process.argv.slice(2))
