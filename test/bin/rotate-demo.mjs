// @ts-check
// `npm run rotate-demo [-- FILE.json.gz …]`: an editing history, typed while its key is rotated every 500 edits; then every epoch is opened again.
// Without a file: the two generated traces. Plain Node; what is TypeScript is compiled first, a second when nothing changed.
import { installDependencies } from './install.mjs'
import { installedCommand, requireNode } from './project.mjs'
import { run } from './run.mjs'

requireNode()
await installDependencies()
if (!(await run(installedCommand('tsc'), ['-b', 'test/rotate']))) process.exit(1)

/** @type {{ main(files: readonly string[]): Promise<number> }} */
const { main } = await import(new URL('../rotate/dist/rotate/main.js', import.meta.url).href)
process.exitCode = await main(process.argv.slice(2))
